// Replaces the calling process by the helper program, for a program that ends by becoming its command.
#ifndef CASTELLAN_LINUX_BECOME_H_
#define CASTELLAN_LINUX_BECOME_H_

#include <string>
#include <vector>

namespace castellan {

// The helper gets this process's environment, byte for byte, and the words `AS PLAN -- COMMAND …`, where
// PLAN names the descriptor `plan` and AS is `become` or `exec`. Returns only on failure, with an errno.
int BecomeHelper(int helper, int plan, const std::vector<std::string>& command, const std::string& as);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_BECOME_H_
