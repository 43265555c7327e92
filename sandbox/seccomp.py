"""The seccomp filter of the jail: refuses what neither Python, the driver nor Chromium with its own sandbox needs.

A deny list. It lessens the kernel surface that hostile code can touch; the namespaces are the wall. Chromium's
sandbox itself
needs ``unshare``, ``clone`` with namespaces, ``chroot`` and ``seccomp``: those stay.
"""

from __future__ import annotations

import errno
import platform
import struct

# name: (x86_64, aarch64); None where the architecture has no such call
_DENIED: dict[str, tuple[int | None, int | None]] = {
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
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
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
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "userfaultfd": (323, 282),
    "uselib": (134, None),
    "vhangup": (153, 58),
}
_SOCKET = (41, 198)
# unix, IPv4, IPv6, netlink. Others, vsock above all, pass a network namespace by.
_FAMILIES = (1, 2, 10, 16)

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_OFFSET, _ARCH_OFFSET, _FIRST_ARGUMENT_OFFSET = 0, 4, 16
_X32_BIT = 0x40000000


def _instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def program(machine: str | None = None) -> bytes | None:
    """The filter as BPF for ``bwrap --seccomp``, or None where we do not know the architecture's system calls.

    Args:
        machine: As `platform.machine` says; default this one.
    """
    machine = machine or platform.machine()
    if machine not in _AUDIT_ARCH:
        return None
    column = 0 if machine == "x86_64" else 1
    refuse = _instruction(_RETURN, 0, 0, _ERRNO | errno.EPERM)
    kill = _instruction(_RETURN, 0, 0, _KILL)
    allow = _instruction(_RETURN, 0, 0, _ALLOW)

    code = [_instruction(_LOAD, 0, 0, _ARCH_OFFSET), _instruction(_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[machine]), kill]
    code.append(_instruction(_LOAD, 0, 0, _NUMBER_OFFSET))
    if machine == "x86_64":
        code += [_instruction(_JUMP_GREATER_EQUAL, 0, 1, _X32_BIT), kill]
    for numbers in _DENIED.values():
        number = numbers[column]
        if number is not None:
            code += [_instruction(_JUMP_EQUAL, 0, 1, number), refuse]
    code.append(_instruction(_JUMP_EQUAL, 0, len(_FAMILIES) + 3, _SOCKET[column]))
    code.append(_instruction(_LOAD, 0, 0, _FIRST_ARGUMENT_OFFSET))
    for position, family in enumerate(_FAMILIES):
        code.append(_instruction(_JUMP_EQUAL, len(_FAMILIES) - position, 0, family))
    code += [refuse, allow, allow]
    return b"".join(code)
