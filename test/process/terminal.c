// Runs a program on a pseudo terminal of its own, as a login would: the program leads a session whose controlling terminal
// it is, with the terminal as its standard input, output and error.
//
//   terminal PROGRAM ARGUMENT …
//
// Copies what comes out to its own output and ends as the program did. Then prints, on a line of its own, `pending N`: the
// bytes that wait in the terminal for whoever reads it next, though nobody typed any.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void stop(const char *what) {
  perror(what);
  exit(125);
}

int main(int count, char **arguments) {
  if (count < 2) return 125;
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) stop("posix_openpt");
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct termios settings;
  if (slave < 0 || tcgetattr(slave, &settings) != 0) stop("open");
  cfmakeraw(&settings);  // every byte counts at once, and none is echoed
  if (tcsetattr(slave, TCSANOW, &settings) != 0) stop("tcsetattr");
  pid_t child = fork();
  if (child < 0) stop("fork");
  if (child == 0) {
    if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) != 0) _exit(125);
    for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
    execvp(arguments[1], arguments + 1);
    _exit(125);
  }
  int status = 0, ended = 0;
  for (;;) {
    struct pollfd readable = {master, POLLIN, 0};
    int ready = poll(&readable, 1, ended ? 0 : 20);
    char bytes[4096];
    ssize_t got = ready > 0 && (readable.revents & POLLIN) ? read(master, bytes, sizeof bytes) : 0;
    if (got > 0) fwrite(bytes, 1, (size_t)got, stdout);
    else if (ended) break;
    if (!ended && waitpid(child, &status, WNOHANG) == child) ended = 1;
  }
  int pending = -1;
  if (ioctl(slave, FIONREAD, &pending) != 0) stop("FIONREAD");
  printf("pending %d\n", pending);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
