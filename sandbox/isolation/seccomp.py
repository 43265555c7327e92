"""The seccomp filters of the jails, which refuse system calls that Python, the driver and Chromium do not need.

The filters are deny lists. Under bubblewrap the namespaces confine, and the filter reduces the attack surface of the
kernel; ``unshare``, ``clone`` with namespaces, ``chroot`` and ``seccomp`` stay, for Chromium's own sandbox. Under
Landlock, the *strict* filter closes what Landlock does not cover: sockets other than TCP, changes to files' modes and
times (which seem to succeed), namespaces, limits of other processes. It also asks the supervisor
(`sandbox.isolation.supervisor`) about each connection and each new task.

A worker without a browser gets a filter of its own, in each jail, on top of that jail's: a list of what is allowed
(`sandbox.isolation.web_calls`). It makes no socket, starts no process and runs no program.
"""

from __future__ import annotations

import errno
import functools
import platform
import struct

from sandbox.isolation.web_calls import WEB_CALLS

_Numbers = dict[str, tuple[int | None, int | None]]
_Rule = tuple[tuple[int | None, int | None], list[bytes]]

# name: (x86_64, aarch64); None if the architecture has no such call
_DENIED: _Numbers = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "memfd_create": (319, 279),  # its memory would belong to no process; shared memory has a tmpfs
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmat": (30, 196),
    "shmget": (29, 194),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "userfaultfd": (323, 282),
    "uselib": (134, None),
    "vhangup": (153, 58),
}
_DENIED_STRICT: _Numbers = {
    "accept": (43, 202),
    "accept4": (288, 242),
    "bind": (49, 200),
    "chown": (92, None),
    "chroot": (161, 51),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "file_setattr": (469, 469),
    "fsetxattr": (190, 7),
    "inotify_add_watch": (254, 27),
    "ioprio_set": (251, 30),
    "lchown": (94, None),
    "listen": (50, 201),
    "lsetxattr": (189, 6),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
    "truncate": (76, 45),
    "unshare": (272, 97),
}
# Calls that seem to succeed and do nothing. Landlock does not cover them, and they would reach files outside of the
# scratch directory, too; but a refusal breaks what copies or touches a file of its own, such as `shutil.copy`.
_IGNORED_STRICT: _Numbers = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "futimesat": (261, None),
    "utime": (132, None),
    "utimensat": (280, 88),
    "utimes": (235, None),
}
# Calls whose first argument names a process; 0 is the caller.
_OWN_ONLY: _Numbers = {
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
}
# Calls that signal a process or thread, named by the first argument.
_SIGNALS: _Numbers = {
    "kill": (62, 129),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "tgkill": (234, 131),
    "tkill": (200, 130),
}
_PIDFD_SEND_SIGNAL, _FCNTL, _TGKILL = (424, 424), (72, 25), (234, 131)
_CLONE, _CLONE3, _FORK, _VFORK = (56, 220), (435, 435), (57, None), (58, None)
_CONNECT, _SOCKET, _SOCKETPAIR = (42, 203), (41, 198), (53, 199)
_SENDTO, _SENDMSG, _SENDMMSG = (44, 206), (46, 211), (307, 269)
_SETPRIORITY, _PRCTL, _IOCTL = (141, 140), (157, 167), (16, 29)

_UNIX, _IPV4, _IPV6, _NETLINK = 1, 2, 10, 16
_STREAM, _SEQPACKET, _TYPE_MASK = 1, 5, 0xF
_TCP = 6
_FASTOPEN = 0x20000000  # of sendto: connects without connect
_NEW_NAMESPACES = 0x7E020000
_SET_DUMPABLE = 4  # hides descriptors from the measurement of scratch
_TYPE_INTO_TERMINAL, _TERMINAL_LINUX = 0x5412, 0x541C
_SET_OWNER = (8, 15)  # of fcntl: the receiver of signals about a descriptor
_SET_OWNER_BY_IOCTL = (0x8901, 0x8902)

# Of the filter of `web_program`: calls that are refused with a plain error, beside those above
_WEB_DENIED: _Numbers = {
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "kill": (62, 129),
    "tkill": (200, 130),
    "vfork": (58, None),
}
_THREAD = 0x00010000  # of clone
_DESCRIPTOR_REQUESTS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # of ioctl: is it a terminal, how much is there
_PRCTL_LOOKS = (3, 15, 16, 21, 23, 39)  # a thread's name, and questions
_LEASE, _NOTIFY = 1024, 1026  # of fcntl

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_ANY_BIT = 0x15, 0x35, 0x45
_ALLOWED, _ERRNO, _KILLED, _NOTIFIED = 0x7FFF0000, 0x00050000, 0x80000000, 0x7FC00000
_NUMBER_OFFSET, _ARCH_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_X32_BIT = 0x40000000
_WORD = 0xFFFFFFFF


def known() -> bool:
    """Return True if the system call numbers of this architecture are known."""
    return platform.machine() in _AUDIT_ARCH


def column(machine: str | None = None) -> int:
    """Return the index of an architecture in the pairs of system call numbers."""
    return 0 if (machine or platform.machine()) == "x86_64" else 1


def program(machine: str | None = None, *, strict: bool = False, spared: int | None = None) -> bytes | None:
    """Return the filter as BPF; None for an unknown architecture.

    Args:
        machine: The architecture, as of `platform.machine`; default this machine's.
        strict: For the jail without namespaces.
        spared: A process that must not be signaled, if the kernel does not confine signals.
    """
    return _assembled(machine or platform.machine(), _rules(strict, spared), _return(_ALLOWED))


@functools.cache
def web_program(pid: int, machine: str | None = None) -> bytes | None:
    """Return the filter of a worker without a browser as BPF; None for an unknown architecture.

    Args:
        pid: The worker's number, as it sees it itself.
        machine: As for `program`.
    """
    refuse, allow = [_refuse()], [_return(_ALLOWED)]
    rules = [(numbers, allow) for numbers in WEB_CALLS.values()]
    rules += [
        (_CLONE, [*_forbid_bits(0, _NEW_NAMESPACES), _instruction(_JUMP_ANY_BIT, 0, 1, _THREAD), *allow, *refuse]),
        (_SOCKETPAIR, [*_require(0, _UNIX), *_require(1, _STREAM, mask=_TYPE_MASK), *allow]),
        (_IOCTL, [*_require(1, *_DESCRIPTOR_REQUESTS, error=errno.ENOTTY), *allow]),
        (_PRCTL, [*_require(0, *_PRCTL_LOOKS), *allow]),
        (_FCNTL, [*_forbid_values(1, *_SET_OWNER, _LEASE, _NOTIFY), *allow]),
        (_TGKILL, [*_require(0, pid), *allow]),
        (_OWN_ONLY["prlimit64"], [*_require(0, 0), *allow]),
    ]
    denied = {**_DENIED, **_DENIED_STRICT, **_WEB_DENIED}
    rules += [(numbers, refuse) for name, numbers in denied.items() if name not in WEB_CALLS]
    rules += [(numbers, refuse) for numbers in (_SOCKET, _CONNECT)]
    # The C library tries calls that are newer than this list, and does without where they are not there.
    return _assembled(machine or platform.machine(), rules, _refuse(errno.ENOSYS))


def _assembled(machine: str, rules: list[_Rule], otherwise: bytes) -> bytes | None:
    if machine not in _AUDIT_ARCH:
        return None
    code = [_load(_ARCH_OFFSET), _instruction(_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[machine]), _return(_KILLED)]
    code.append(_load(_NUMBER_OFFSET))
    if machine == "x86_64":
        code += [_instruction(_JUMP_GREATER_EQUAL, 0, 1, _X32_BIT), _return(_KILLED)]
    for numbers, body in rules:
        number = numbers[column(machine)]
        if number is not None:
            code += [_instruction(_JUMP_EQUAL, 0, len(body), number), *body]
    return b"".join([*code, otherwise])


def _rules(strict: bool, spared: int | None) -> list[_Rule]:
    """Return system calls with their instructions, which end in a return."""
    refuse, allow, ask = [_refuse()], [_return(_ALLOWED)], [_return(_NOTIFIED)]
    rules = [(numbers, refuse) for numbers in _DENIED.values()]
    owners = _SET_OWNER_BY_IOCTL if spared is not None else ()
    terminal = _forbid_values(1, _TYPE_INTO_TERMINAL, _TERMINAL_LINUX, *owners)
    rules.append((_IOCTL, [*terminal, *allow]))
    if not strict:
        # Others, such as vsock, are not confined by a network namespace.
        return [*rules, (_SOCKET, [*_require(0, _UNIX, _IPV4, _IPV6, _NETLINK), *allow])]
    rules += [(numbers, refuse) for numbers in _DENIED_STRICT.values()]
    rules += [(numbers, [_refuse(0)]) for numbers in _IGNORED_STRICT.values()]
    rules += [(numbers, [*_require(0, 0), *allow]) for numbers in _OWN_ONLY.values()]
    rules.append((_SETPRIORITY, [*_require(0, 0), *_require(1, 0), *allow]))
    rules.append((_PRCTL, [*_forbid_values(0, _SET_DUMPABLE), *allow]))
    tcp = [*_require(0, _IPV4, _IPV6), *_require(1, _STREAM, mask=_TYPE_MASK), *_require(2, 0, _TCP)]
    # A pair of datagram sockets could be sent elsewhere.
    pair = [*_require(0, _UNIX), *_require(1, _STREAM, _SEQPACKET, mask=_TYPE_MASK)]
    rules += [(_SOCKET, [*tcp, *allow]), (_SOCKETPAIR, [*pair, *allow]), (_CONNECT, ask)]
    for numbers, argument in ((_SENDTO, 3), (_SENDMSG, 2), (_SENDMMSG, 3)):
        rules.append((numbers, [*_forbid_bits(argument, _FASTOPEN), *allow]))
    if spared is not None:
        # By its number, as a process group, or with all others
        named = _forbid_values(0, spared, -spared & _WORD, -1 & _WORD)
        rules += [(numbers, [*named, *allow]) for numbers in _SIGNALS.values()]
        rules += [(_PIDFD_SEND_SIGNAL, refuse), (_FCNTL, [*_forbid_values(1, *_SET_OWNER), *allow])]
    # Its flags are in memory, which could change after the check; the C library falls back to clone.
    rules.append((_CLONE3, [_refuse(errno.ENOSYS)]))
    rules += [(_CLONE, [*_forbid_bits(0, _NEW_NAMESPACES), *ask]), (_FORK, ask), (_VFORK, ask)]
    return rules


def _instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _instruction(_LOAD, 0, 0, offset)


def _return(action: int) -> bytes:
    return _instruction(_RETURN, 0, 0, action)


def _refuse(number: int = errno.EPERM) -> bytes:
    return _return(_ERRNO | number)


def _argument(index: int) -> bytes:
    """Load the low half of an argument, which is all that the calls here look at."""
    return _load(_ARGUMENTS_OFFSET + 8 * index)


def _require(index: int, *values: int, mask: int | None = None, error: int = errno.EPERM) -> list[bytes]:
    """Refuse unless an argument is one of these; otherwise go on."""
    code = [_argument(index)]
    if mask is not None:
        code.append(_instruction(_AND, 0, 0, mask))
    code += [_instruction(_JUMP_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [*code, _refuse(error)]


def _forbid_values(index: int, *values: int) -> list[bytes]:
    """Refuse if an argument is one of these; otherwise go on."""
    code = [_argument(index)]
    for value in values:
        code += [_instruction(_JUMP_EQUAL, 0, 1, value), _refuse()]
    return code


def _forbid_bits(index: int, bits: int) -> list[bytes]:
    """Refuse if an argument has any of these bits; otherwise go on."""
    return [_argument(index), _instruction(_JUMP_ANY_BIT, 0, 1, bits), _refuse()]
