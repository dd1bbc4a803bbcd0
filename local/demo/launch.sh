#!/bin/sh
# Runs a command such that Ctrl-C is neither lost nor answered with a traceback, even while its interpreter starts.
# As a background job the command ignores Ctrl-C until it has handlers of its own; it gets the signal from here,
# as SIGTERM, which ends an interpreter that has none yet without a word.
command=
interrupted=
pass_on() {
    interrupted=yes
    [ -z "$command" ] || kill -TERM "$command" 2>/dev/null
}
trap pass_on INT

"$@" &
command=$!
# Only now: a trap that was set before would still be that of the command while it is just forked, and swallow the signal.
trap pass_on TERM HUP
[ -z "$interrupted" ] || kill -TERM "$command" 2>/dev/null # before its number was known

wait "$command" 2>/dev/null # without the shell's own remark on how it ended
status=$?
while kill -0 "$command" 2>/dev/null; do # a trapped signal ends `wait`, not the command
    wait "$command" 2>/dev/null
    status=$?
done

if [ -n "$interrupted" ] && [ "$status" -eq 143 ]; then # 128 + SIGTERM: it had not come to its own handlers
    echo "Interrupted before anything was made: there was nothing to remove." >&2
    status=130
fi
exit "$status"
