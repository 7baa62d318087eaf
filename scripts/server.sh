# Starts and stops our binary for the scripts beside this file, which source it.
#
# They set `bin` (the binary) and `work` (a scratch folder). Every server takes a free port
# (--port 0) and is stopped by its own process id.
# shellcheck shell=bash
server_pid='' ready_line=''

# start_server FLAG...: sets server_pid, and ready_line once every listener is bound.
start_server() {
    local tries
    : >"$work/ready"
    "$bin" "$@" --port 0 --ready >"$work/ready" 2>"$work/log" &
    server_pid=$!
    for ((tries = 0; tries < 200; tries++)); do
        ready_line=$(head -1 "$work/ready")
        [[ $ready_line != ready\ * ]] || return 0
        kill -0 "$server_pid" 2>/dev/null || break
        sleep 0.05
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

# stop_server: SIGTERM, and wait; sets stop_status.
stop_server() {
    stop_status=0
    [[ -n $server_pid ]] || return 0
    kill -TERM "$server_pid" 2>/dev/null || true
    wait "$server_pid" || stop_status=$?
    server_pid=''
}
