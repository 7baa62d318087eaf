"""What the module `respd` promises, tried where its wheel is installed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import respd as module


def test_serves_redis_py_and_leaves_nothing():
    with module.start() as server:
        client = server.client(decode_responses=True)
        assert client.ping()
        client.set("greeting", "hello")
        assert client.get("greeting") == "hello"
        folder = Path(client.config_get("dir")["dir"])
        assert folder.is_dir()
        assert server.pid == client.info("server")["process_id"]
        assert (server.admin_port, server.tls_port, server.unix) == (None, None, None)
    assert not folder.exists()
    assert has_ended(server.pid)
    server.close()


def test_directives_are_those_of_the_file(tmp_path):
    socket = tmp_path / "a socket"
    directives = {"maxmemory": "10mb", "appendonly": True, "bind": ["127.0.0.1"], "admin_port": 0, "save": ""}
    with module.start(dir=tmp_path, unixsocket=socket, unixsocketperm=700, **directives) as server:
        said = server.client(decode_responses=True).config_get("*")
        assert (said["maxmemory"], said["appendonly"], said["save"]) == ("10485760", "yes", "")
        assert server.admin_port not in (None, 0, server.port)
        assert server.unix == str(socket) and socket.is_socket()
    assert (tmp_path / "appendonlydir").is_dir(), "the folder that was told stays"


def test_a_password_is_in_the_url_and_for_the_client():
    redis = pytest.importorskip("redis")
    with module.start(requirepass="se/sa me") as server:
        assert server.client().ping()
        assert redis.Redis.from_url(server.url).ping()
        server.flush()


def test_says_what_the_server_says_when_it_does_not_start():
    with pytest.raises(module.StartError, match="maxmemory"):
        module.start(maxmemory="plenty")
    with pytest.raises(module.StartError, match="maxmemori"):
        module.start(maxmemori="1mb")


def test_says_when_a_port_is_taken():
    with module.start() as server, pytest.raises(module.StartError, match=str(server.port)):
        module.start(port=server.port)


def test_no_port_but_a_socket(tmp_path):
    with module.start(port=None, unixsocket=tmp_path / "s", unixsocketperm=700) as server:
        assert server.port == 0
        redis = pytest.importorskip("redis")
        assert redis.Redis(unix_socket_path=server.unix).ping()


def test_several_run_beside_each_other():
    with module.start() as one, module.start() as two:
        one.client().set("key", 1)
        assert two.client().get("key") is None


def test_ends_with_a_process_that_is_killed():
    program = "import respd, time; print(respd.start().pid, flush=True); time.sleep(600)"
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    pid = int(owner.stdout.readline())
    assert not has_ended(pid)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    deadline = time.monotonic() + 60
    while not has_ended(pid):
        assert time.monotonic() < deadline, "the server outlives the process that started it"
        time.sleep(0.01)


def test_the_fixture_is_a_server(respd):
    respd.client().set("left", "behind")
    respd.client().function_load("#!lua name=left\nredis.register_function('left', function() return 1 end)")


def test_the_fixture_is_empty_again(respd, respd_server):
    assert respd is respd_server
    assert respd.client().dbsize() == 0
    assert respd.client().function_list() == []


def test_the_types_are_marked_as_such():
    assert (Path(module.__file__).parent / "py.typed").exists()


def has_ended(pid):
    """Whether a process runs no more. One that nothing has waited for has ended, too."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
