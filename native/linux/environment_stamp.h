// What the environment of this process (environ(7)) held at one time, to tell whether it still does. Reading
// it through JavaScript takes two calls per variable; a host starts commands far more often than it changes
// one.
#ifndef CASTELLAN_LINUX_ENVIRONMENT_STAMP_H_
#define CASTELLAN_LINUX_ENVIRONMENT_STAMP_H_

#include <string>

namespace castellan {

class EnvironmentStamp {
 public:
  EnvironmentStamp();

  // False as well on every thread but the process's first: a worker has an environment of its own. Like
  // getenv(3), to be asked while no other thread changes the environment.
  bool Unchanged() const;

 private:
  std::string lines_;  // each with its NUL
};

}  // namespace castellan

#endif  // CASTELLAN_LINUX_ENVIRONMENT_STAMP_H_
