# Starts and stops our binary for the scripts beside this file, which source it.
#
# They set `bin` (the binary) and `work` (a scratch folder). Every server picks a free port itself
# (--port 0), runs in a session of its own, and is stopped by its own process id: a signal to the
# script's group does not reach it, so the script stops it in a trap.
# shellcheck shell=bash disable=SC2154,SC2034  # set and read by the scripts
server_pid='' ready_line='' stop_status=0

# How long a server may take to start, and to end: long, for a busy machine; it is never waited out
# when the server does what it should.
server_patience=60

# start_server FLAG...: sets server_pid, and ready_line once every listener is bound.
start_server() {
    local deadline=$((SECONDS + server_patience))
    : >"$work/ready"
    setsid "$bin" "$@" --port 0 --ready </dev/null >"$work/ready" 2>"$work/log" &
    server_pid=$!
    while ((SECONDS < deadline)); do
        # The line is whole when its end has come.
        if IFS= read -r ready_line <"$work/ready"; then return 0; fi
        kill -0 "$server_pid" 2>/dev/null || break
        sleep 0.02
    done
    cat "$work/log" >&2
    echo "$bin did not become ready: $*" >&2
    exit 2
}

# ready_field NAME: one field of the ready line, such as tcp or unix; the first of several.
ready_field() {
    local field
    for field in $ready_line; do
        [[ $field == "$1="* ]] || continue
        field=${field#*=}
        echo "${field%%,*}"
        return 0
    done
    echo "no $1 in: $ready_line" >&2
    return 1
}

# stop_server: SIGTERM, and wait; sets stop_status. One that does not end is killed.
stop_server() {
    stop_status=0
    [[ -n $server_pid ]] || return 0
    kill -TERM "$server_pid" 2>/dev/null || true
    await_server
}

# await_server: waits for a server that was told to end; sets stop_status.
await_server() {
    local deadline=$((SECONDS + server_patience))
    stop_status=0
    while kill -0 "$server_pid" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.01; done
    kill -KILL "$server_pid" 2>/dev/null || true
    # The shell reports a process that a signal ended; that is for the caller to say.
    wait "$server_pid" 2>/dev/null || stop_status=$?
    server_pid=''
}
