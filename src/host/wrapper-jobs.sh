# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Part of wrapper.sh: processes that outlive the connection. What a directory below jobs/ says:
# lock held: alive; result complete: done; neither: died; no directory: never started.

alive() {
	flock -n -s -E 75 5 2>/dev/null 5<"$1/lock"
	[ $? -eq 75 ]
}

alive_jobs() {
	for d in "$root"/jobs/*/*/*; do
		[ -e "$d/lock" ] && alive "$d" && printf '%s\n' "${d#"$root"/jobs/}"
	done
}

# DIR -> $status, empty when there is no complete result
read_result() {
	status=''
	volatile_result=$volatile/$(printf '%s' "${1#"$root"/jobs/}" | tr / _).result
	for file in "$1/result" "$volatile_result"; do
		[ -f "$file" ] || continue
		value='' complete=no
		while read -r line; do
			case $line in
			status=*) value=${line#*=} ;;
			end) complete=yes ;;
			esac
		done <"$file"
		if [ $complete = yes ]; then
			status=$value
			return
		fi
	done
}

# DIR, which exists
job_report() {
	if [ "$wait" -gt 0 ]; then
		flock -s -w "$wait" 5 2>/dev/null 5<"$1/lock"
	fi
	held=no
	alive "$1" && held=yes
	read_result "$1"
	tail -c $log_limit "$1/log" 2>/dev/null
	if [ $held = yes ]; then
		[ -z "$status" ] ||
			printf 'the command ended with status %s, but what it started still runs: %s' \
				"$status" "$(holders "$1/lock")" >&2
		end alive
	fi
	[ -n "$status" ] || end died
	end 'done' "$status"
}

# nothing of it on this host: an answer only from the same boot of the same machine
job_missing() {
	if [ -n "$want_boot" ] && [ "$want_boot" != "$boot" ]; then
		printf 'the host was booted since (boot id %s, was %s)' "$boot" "$want_boot" >&2
		end unknown
	fi
	if [ -n "$want_machine" ] && [ "$want_machine" != "$machine" ]; then
		printf 'this is another machine (machine id %s, was %s)' "$machine" "$want_machine" >&2
		end unknown
	fi
	[ "$verb" = job-start ] || end "$1"
}

job_state() {
	check_step
	check_name name "$name"
	check_number wait "$wait"
	fence_look
	if [ "$attempt" -eq 0 ]; then
		newest=0
		for d in "$root/jobs/$run/$state.$visit".*/"$name"; do
			[ -d "$d" ] || continue
			n=${d%/*}
			n=${n##*.}
			case $n in
			*[!0-9]*) continue ;;
			esac
			[ "$n" -gt "$newest" ] && newest=$n
		done
		job=$root/jobs/$run/$state.$visit.$newest/$name
	fi
	[ -d "$job" ] || job_missing absent
	job_report "$job"
}

settle() {
	check_step
	check_number wait "$wait"
	fence_look
	deadline=$(($(date +%s) + wait))
	names=''
	for d in "$step"/*; do
		[ -e "$d/lock" ] || continue
		left=$((deadline - $(date +%s)))
		[ $left -gt 0 ] && flock -s -w $left 5 2>/dev/null 5<"$d/lock"
		alive "$d" && names=$names${d##*/}$newline
	done
	if [ -n "$names" ]; then
		printf '%s' "$names"
		end alive
	fi
	job_missing 'done'
}

command_hash() {
	printf '%s\0' "$cwd" "$@" | sha256sum | cut -c 1-64
}

job_start() {
	check_step
	check_name name "$name"
	check_number wait "$wait"
	check_cwd
	hash=$(command_hash "$@")
	spool
	touch_begin
	if [ ! -d "$job" ]; then
		job_missing started
		answer=$(launch scope "$@")
		case $answer in
		started | exists) ;;
		no:*) refuse "${answer#no:}" ;;
		*)
			# systemd-run failed before the body began; making the job is exclusive, so
			# that a late one does no harm
			[ -d "$job" ] || answer=$(launch plainly "$@")
			case $answer in
			started | exists) ;;
			no:*) refuse "${answer#no:}" ;;
			*) [ -d "$job" ] || refuse "the job could not be started" ;;
			esac
			;;
		esac
	fi
	exec 9>&-
	while read -r line; do
		case $line in
		command="$hash") ;;
		command=*) refuse "job $name of this attempt runs another command already, see $job/who" ;;
		esac
	done <"$job/who"
	job_report "$job"
}

# scope|plainly COMMAND: starts the body and prints what it says about itself, on descriptor 7. A scope, not a service:
# systemd expands ${} in a service's arguments, and a scope keeps the operator's audit id and SELinux
# context. It leaves the session's cgroup, so that the end of the session does not end it.
launch() {
	how=$1
	shift
	shell=$(tr '\n\0' '\001\n' </proc/$$/cmdline | head -n 1)
	exec 7>&1 >/dev/null 2>&1 </dev/null
	set -- "$shell" -c "$wrapper" recoveryd job-body "root=$root" "nonce=$nonce" "run=$run" \
		"number=$number" "head=$head" "state=$state" "visit=$visit" "attempt=$attempt" \
		"name=$name" "cwd=$cwd" "input=$input" -- "$@"
	if [ -d /run/systemd/system ] && [ "$root" = $default_root ] && [ "$how" = scope ]; then
		literal=''
		case $(systemd-run --help 2>/dev/null) in
		*--expand-environment*) literal=--expand-environment=no ;;
		esac
		unit=$(printf 'recoveryd-%s-%s.%s.%s-%.60s' "$run" "$state" "$visit" "$attempt" "$name")
		# shellcheck disable=SC2086 # nothing or one word
		setsid systemd-run --scope --quiet --collect $literal --slice=system.slice \
			--unit="$unit" --description="job $name of $state, run $run" "$@" &
	else
		setsid "$@" &
	fi
}

body_fails() {
	printf 'no:%s' "$*" >&7
	[ -z "${made:-}" ] || rm -rf "$made"
	exit 1
}

# The detached process. Its directory appears under its name complete and locked, by one rename
# that fails when there is one already; nothing has been executed until then.
job_body() {
	hash=$(command_hash "$@")
	said=$(mkdir -p "$step" "$root/work/$run" 2>&1) || body_fails "cannot make $step: $said"
	mkdir -p "$volatile" 2>/dev/null
	made=$(mktemp -d "$step/.$name.XXXXXX" 2>&1) || {
		said=$made made=''
		body_fails "cannot make a directory in $step: $said"
	}
	exec 5<>"$made/lock"
	flock -n -x 5 || body_fails "cannot lock $made/lock"
	printf 'number=%s\nboot-id=%s\nmachine-id=%s\ncommand=%s\nhead=%s\npid=%s\nstarted=%s\n' \
		"$number" "$boot" "$machine" "$hash" "$head" $$ "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
		>"$made/who" &&
		: >"$made/log" &&
		head -c 512 /dev/zero | tr '\0' '\n' >"$made/result" &&
		sync "$made/who" "$made/log" "$made/result" "$made" &&
		[ "$(stat -c %s "$made/result")" = 512 ] || body_fails "no room for a job in $step"
	if ! mv -T "$made" "$job" 2>/dev/null; then
		rm -rf "$made"
		printf exists >&7
		exit 0
	fi
	made=$job
	sync "$step" "$root/jobs/$run" "$root/jobs" "$root" || body_fails "cannot sync $step"
	made=''
	printf started >&7
	exec 7>&- 9>&-

	execute "$@" >>"$job/log" 2>&1
	code=$?
	# over the space that was written before: a full disk does not lose it
	{
		printf 'status=%s\nended=%s\nend\n' $code "$(date -u +%Y-%m-%dT%H:%M:%SZ)" |
			dd of="$job/result" conv=notrunc,fsync status=none
	} 2>/dev/null || {
		read_result "$job"
		printf 'status=%s\nend\n' "$code" >"$volatile_result"
	}
	exit 0
}
