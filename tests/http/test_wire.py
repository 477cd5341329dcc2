# SPDX-License-Identifier: Apache-2.0
"""All bytes of clients go through server/wire.c: what keeps it so, and that it is kept so."""

import re
import subprocess

import pytest
from harness import PROGRAM, TOP

CHECK = str(TOP / ".ci" / "wire")
# What the program takes the place of, for libmicrohttpd too.
TAKEN = {"recv", "send", "sendmsg", "shutdown"}
# What libmicrohttpd 0.9.75 calls beside these and is of no client's bytes here: sendfile for replies
# from files (.ci/wire forbids them), read for such files, read and write for its own event channel.
OTHERS = {"sendfile64", "read", "pread64", "write"}
MOVES_BYTES = re.compile(
    r"(__)?(p?(read|write)v?(64)?(v2)?|(send|recv)(to|from|m?msg)?|sendfile(64)?|splice|shutdown)(_chk)?")


def symbols(path, *which):
    output = subprocess.run(["nm", "-D", *which, path], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].partition("@")[0] for line in output.splitlines()}


def test_nothing_else_in_the_server_touches_a_socket():
    check = subprocess.run([CHECK], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout


@pytest.mark.parametrize("line", [
    "    send(fd, text, n, 0);",
    "    if (recv (fd, to, n, 0) < 0) return;",
    "    (void)!write(conn->wire.fd, text, n);",
    "    shutdown(fd, SHUT_WR);",
    "    return ioctl(fd, SIOCOUTQ, &bytes);",
    "    close(conn->wire.fd);",
    "    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes);",
    "    return MHD_create_response_from_fd(n, fd);",
    "#include <sys/socket.h>",
    "#  include <linux/tcp.h>",
    "    /* why */ writev(fd, parts, 2); /* not */",
])
def test_who_touches_one_is_named(tmp_path, line):
    source = tmp_path / "conn.c"
    source.write_text(f"/* first\n   send(x) */\n{line}\n")
    check = subprocess.run([CHECK, source], capture_output=True, text=True)
    assert check.returncode == 1
    assert check.stdout.startswith(f"{source}:3: ")


def test_comments_texts_and_longer_names_are_none(tmp_path):
    source = tmp_path / "conn.c"
    source.write_text("""\
/* send(2) and
   recv(2) */
    conn_read(conns, conn, to, room); // close(fd)
    uv_close(handle, NULL); /* shutdown(fd) */ wire_send(wire, "write(it)", 9);
    wires->read(user, wire, to, room);
    struct wire_layer layer = {.read = records_read, .send = records_send};
""")
    check = subprocess.run([CHECK, source], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout


def test_libmicrohttpd_has_no_other_way_to_a_socket():
    linked = subprocess.run(["ldd", PROGRAM], check=True, capture_output=True, text=True).stdout
    library = re.search(r"libmicrohttpd\.so\S* => (\S+)", linked)
    if not library:
        pytest.skip("libmicrohttpd is not a shared library here")
    calls = {name for name in symbols(library[1], "--undefined-only") if MOVES_BYTES.fullmatch(name)}
    assert calls - OTHERS == TAKEN


def test_the_program_takes_their_place():
    assert TAKEN <= symbols(PROGRAM, "--defined-only")
