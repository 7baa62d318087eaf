# The process: ready line, unix socket, admin port, options, configuration file, limits, signals.
# Only for a server that this script started; each check here runs once.
# shellcheck shell=bash
# fact NAME WANT COMMAND...: the output of a command; at HOST:PORT COMMAND...: redis-cli there.
fact() { local name=$1 want=$2; shift 2; skipping "$name" || verdict "$name" "$want" "$("$@" 2>&1 || true)"; }
at() { redis-cli -h "${1%:*}" -p "${1##*:}" --no-raw "${@:2}"; }

# fresh FLAG...: a server with other flags in place of the one that ran.
fresh() { stop_server; start_server "$@"; }

needs own fact 'the ready line' "ready pid=$server_pid tcp=127.0.0.1:$port…" echo "${ready_line-}"
needs own fact 'the unix socket answers' 'PONG' redis-cli -s "$server_socket" --no-raw PING
needs own fact 'CLIENT INFO over the unix socket' "…addr=…$server_socket:0… laddr=…$server_socket:0… …flags=U …" redis-cli -s "$server_socket" CLIENT INFO
needs own fact 'CONFIG REWRITE' 'OK' at "$host:$port" CONFIG REWRITE
needs own fact 'CONFIG REWRITE keeps comments' '# kept by CONFIG REWRITE' head -1 "$work/respd.conf"

process_checks() {
    stop_server
    verdict 'SIGTERM ends it with status 0' 0 "$stop_status"
    verdict 'SIGTERM removes the unix socket' 'gone' "$([[ -e $server_socket ]] && echo there || echo gone)"

    fresh --admin-port 0 --requirepass sesame -o maxclients=3 -o enable-debug-command=no
    local here fds=() fd line
    here=$(ready_field tcp)
    verdict '--requirepass' '(error) NOAUTH Authentication required.' "$(at "$here" PING)"
    verdict '-o maxclients' 'maxclients 3' "$(at "$here" --no-auth-warning -a sesame --raw CONFIG GET maxclients | tr '\n' ' ' | sed 's/ $//')"
    verdict 'enable-debug-command no' '(error) ERR DEBUG command not allowed…' "$(at "$here" --no-auth-warning -a sesame DEBUG SLEEP 0)"
    for _ in 1 2 3; do
        exec {fd}<>"/dev/tcp/${here%:*}/${here##*:}"
        fds+=("$fd")
        printf 'AUTH sesame\r\n' >&"$fd"
        IFS= read -r -t $patience -u "$fd" line
    done
    exec {fd}<>"/dev/tcp/${here%:*}/${here##*:}"
    line=
    IFS= read -r -t $patience -u "$fd" line || true
    verdict 'one client too many is told so' '-ERR max number of clients reached' "${line%$'\r'}"
    exec {fd}>&-
    for fd in "${fds[@]}"; do exec {fd}>&-; done

    fresh -o timeout=0
    here=$(ready_field tcp)
    at "$here" SHUTDOWN NOSAVE >/dev/null 2>&1 || true
    await_server
    verdict 'SHUTDOWN NOSAVE ends it with status 0' 0 "$stop_status"

    printf 'timeout 5\nnosuch-directive x\n' >"$work/bad.conf"
    verdict 'a bad directive is named with file and line' "…bad.conf…2…nosuch-directive…" "$(timeout $patience "$bin" "$work/bad.conf" --port 0 2>&1 || true)"
    verdict 'a bad directive stops the start' 'failed' "$(timeout $patience "$bin" "$work/bad.conf" --port 0 >/dev/null 2>&1 && echo started || echo failed)"
    verdict '--version' 'respd…' "$("$bin" --version 2>&1 || true)"
}
[[ -z $server_pid ]] || process_checks
