/* Runs a program in a world where some system calls do not exist, as on an older kernel or under a
 * container's filter. refuse-calls ERRNO NUMBER[,NUMBER…] -- PROGRAM [ARGUMENT…] The filter is inherited by
 * everything that the program starts. Ends with 125 when it cannot be installed. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST 64

int main(int argc, char** argv) {
  if (argc < 5 || strcmp(argv[3], "--") != 0) {
    fprintf(stderr, "usage: refuse-calls ERRNO NUMBER[,NUMBER...] -- PROGRAM [ARGUMENT...]\n");
    return 125;
  }
  struct sock_filter program[2 * MOST + 2] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
  };
  int length = 1;
  const unsigned answer = SECCOMP_RET_ERRNO | (unsigned)atoi(argv[1]);
  for (char* number = strtok(argv[2], ","); number != NULL && length < 2 * MOST; number = strtok(NULL, ",")) {
    program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(number), 0, 1);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
  }
  program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const struct sock_fprog filter = {(unsigned short)length, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
    perror("refuse-calls");
    return 125;
  }
  execvp(argv[4], argv + 4);
  perror(argv[4]);
  return 125;
}
