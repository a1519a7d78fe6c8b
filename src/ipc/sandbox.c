/* sandbox.c - see sandbox.h. Linux: no_new_privs, a seccomp filter, Landlock by ABI level. */
#include "ipc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#error "sandbox.c: name the audit architecture of this processor"
#endif

/* What a chat server never asks for, and an intruder does. */
static const int refused[] = {
	SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_mount, SYS_umount2,
	SYS_pivot_root, SYS_chroot, SYS_bpf, SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_delete_module,
	SYS_reboot, SYS_swapon, SYS_swapoff, SYS_setns, SYS_unshare, SYS_keyctl, SYS_add_key, SYS_request_key,
	SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_open_by_handle_at, SYS_kcmp, SYS_quotactl,
	SYS_acct, SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex,
	SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_move_mount, SYS_open_tree, SYS_mount_setattr,
	SYS_kexec_file_load, SYS_pidfd_open, SYS_pidfd_getfd, SYS_process_madvise,
};

/* clone() makes threads, and no namespace: in one of its own, a process may do what is refused here. */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };

/* Besides, for a role that has all its sockets. socketpair() stays: it reaches nobody. */
static const int refused_sockets[] = { SYS_socket, SYS_connect, SYS_bind, SYS_listen };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))	/* of 64 bits: the low half */
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define PROGRAM_MOST 160

static unsigned short refuse_all(struct sock_filter *code, unsigned short n, const int *calls, size_t n_calls)
{
	for (size_t i = 0; i < n_calls; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
		code[n++] = (struct sock_filter)REFUSE(EPERM);
	}
	return n;
}

/* Besides, for one that has no business with what lies beside its own files. */
static const int refused_lists[] = { SYS_getdents64,
#ifdef SYS_getdents
	SYS_getdents,
#endif
};

static int set_filter(bool sockets, bool lists)
{
	struct sock_filter code[PROGRAM_MOST];
	struct sock_fprog program = { .filter = code };
	unsigned short n = 0;

	/* Another instruction set has other numbers: none of it. */
	code[n++] = (struct sock_filter)LOAD(arch);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)LOAD(nr);
	/* x32 on x86-64: the same calls under other numbers. */
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1);
	code[n++] = (struct sock_filter)REFUSE(EPERM);
	n = refuse_all(code, n, refused, ARRAY_SIZE(refused));
	if (!sockets)
		n = refuse_all(code, n, refused_sockets, ARRAY_SIZE(refused_sockets));
	if (!lists)
		n = refuse_all(code, n, refused_lists, ARRAY_SIZE(refused_lists));
	/* The flags of clone3() lie in memory that a filter cannot see; without it, the C library takes clone(). */
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
	code[n++] = (struct sock_filter)REFUSE(ENOSYS);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
	code[n++] = (struct sock_filter)LOAD(args[0]);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1);
	code[n++] = (struct sock_filter)REFUSE(EPERM);
	code[n++] = (struct sock_filter)ALLOW;
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0);
	code[n++] = (struct sock_filter)ALLOW;
	code[n++] = (struct sock_filter)LOAD(args[0]);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)families[i], 0, 1);
		code[n++] = (struct sock_filter)ALLOW;
	}
	code[n++] = (struct sock_filter)REFUSE(EAFNOSUPPORT);
	CHECK(n <= PROGRAM_MOST);
	program.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return ERR_UNSUPPORTED;
	return 0;
}

/* --- all but a few ------------------------------------------------------------------------------------- */

/* Here the list says what is left: what a library asks for while it computes, and how a process talks over what it has been given. */
static const int left[] = {
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_fstat, SYS_ftruncate, SYS_fcntl, SYS_close,
	SYS_recvmsg, SYS_sendmsg, SYS_ppoll,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_munmap, SYS_mremap, SYS_brk, SYS_madvise, SYS_futex, SYS_sched_yield, SYS_getrandom, SYS_clock_gettime, SYS_sysinfo,
	SYS_sched_getaffinity, SYS_getrusage, SYS_getpid, SYS_gettid, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack,
	SYS_exit, SYS_exit_group,
};
static const int fatal[] = { SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_bpf, SYS_io_uring_setup };

static int set_strict_filter(void)
{
	struct sock_filter code[PROGRAM_MOST];
	struct sock_fprog program = { .filter = code };
	unsigned short n = 0;

	code[n++] = (struct sock_filter)LOAD(arch);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)LOAD(nr);
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)left[i], 0, 1);
		code[n++] = (struct sock_filter)ALLOW;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)fatal[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	}
	/* The C library's fstat(): of a descriptor, not of a path. */
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_newfstatat, 0, 4);
	code[n++] = (struct sock_filter)LOAD(args[3]);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AT_EMPTY_PATH, 0, 1);
	code[n++] = (struct sock_filter)ALLOW;
	code[n++] = (struct sock_filter)REFUSE(EPERM);
	/* Memory, but none that is run. */
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3);
	code[n++] = (struct sock_filter)LOAD(args[2]);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0);
	code[n++] = (struct sock_filter)ALLOW;
	code[n++] = (struct sock_filter)REFUSE(EPERM);
	CHECK(n <= PROGRAM_MOST);
	program.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return ERR_UNSUPPORTED;
	return 0;
}

/* --- Landlock ------------------------------------------------------------------------------------------ */

/* Level 3 and above; the headers of this distribution are older than its kernels. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
		 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR)
/* READ_DIR to open the folder for its fsync: listing is the filter's to refuse. */
#define SPOOLING (READING | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)
#define HANDLED (READING | WRITING | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
		 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM)

static int allow(int rules, const char *path, __u64 access)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access = access };
	long r;

	beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (beneath.parent_fd < 0)
		return errno == ENOENT ? 0 : ERR_IO;
	r = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(beneath.parent_fd);
	return r < 0 ? ERR_IO : 0;
}

/* The level in force, 0 when the kernel has none, or ERR_IO. dir NULL: nothing at all may be opened. spool: NULL, or the one
 * folder whose files may be written. */
static int set_landlock(const char *dir, bool writable, const char *spool)
{
	/* Certificates, time zones, name services, ICU's data. */
	static const char *const readable[] = { "/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev" };
	struct landlock_ruleset_attr attr = { .handled_access_fs = HANDLED };
	long level = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	__u64 truncating = level >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0;
	int rules, r;

	if (level < 1)
		return 0;
	attr.handled_access_fs |= truncating;
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return ERR_IO;
	r = dir ? allow(rules, dir, writable ? READING | WRITING | truncating : READING) : 0;
	if (r == 0 && spool)
		r = allow(rules, spool, SPOOLING);
	for (size_t i = 0; dir && r == 0 && i < ARRAY_SIZE(readable); i++)
		r = allow(rules, readable[i], READING);
	if (r == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, rules, 0) < 0))
		r = ERR_IO;
	close(rules);
	return r < 0 ? r : (int)level;
}

static int enter(const char *dir, bool writable, const char *spool, struct sandbox_state *ret)
{
	int level = set_landlock(dir, writable, spool), r;

	if (level < 0)
		return ERR_UNSUPPORTED;
	r = set_filter(writable, !spool);
	if (r < 0)
		return r;
	*ret = (struct sandbox_state){ .filter = true, .landlock = level };
	return 0;
}

int sandbox_enter(const char *writable_dir, struct sandbox_state *ret)
{
	return enter(writable_dir, true, NULL, ret);
}

int sandbox_enter_reader(const char *readable_dir, struct sandbox_state *ret)
{
	return enter(readable_dir, false, NULL, ret);
}

int sandbox_enter_spooler(const char *readable_dir, const char *spool_dir, struct sandbox_state *ret)
{
	return enter(readable_dir, false, spool_dir, ret);
}

int sandbox_enter_strict(struct sandbox_state *ret)
{
	int level = set_landlock(NULL, false, NULL), r;

	if (level < 0)
		return ERR_UNSUPPORTED;
	r = set_strict_filter();
	if (r < 0)
		return r;
	*ret = (struct sandbox_state){ .filter = true, .landlock = level };
	return 0;
}
