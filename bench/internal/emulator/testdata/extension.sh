#!/bin/sh
# An external extension in shell: it writes the type of each event to its log.
set -eu
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
id=$(curl -sS -D - -o /dev/null -H "Lambda-Extension-Name: $(basename "$0")" -d '{"events":["INVOKE","SHUTDOWN"]}' "$api/register" |
	tr -d '\r' | sed -n 's/^[Ll]ambda-[Ee]xtension-[Ii]dentifier: //p')
while :; do
	event=$(curl -sS -H "Lambda-Extension-Identifier: $id" "$api/event/next")
	case $event in
	*'"INVOKE"'*) echo "shell extension: invoke" ;;
	*'"SHUTDOWN"'*)
		echo "shell extension: shutdown"
		exit 0
		;;
	*) exit 1 ;;
	esac
done
