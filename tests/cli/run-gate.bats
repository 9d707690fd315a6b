#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# run --gate: who gets a file is decided open by open.
# shellcheck disable=SC2016,SC2154  # the scripts are the command's; rung comes from on_rungs

load lib
load run-lib

setup() {
	python3 - <<-'END' || { [ "${CI-}" = true ] && return 1 || skip "no seccomp notifications here"; }
		import ctypes, platform, sys
		n = {"x86_64": 317, "aarch64": 277}.get(platform.machine())
		sizes = (ctypes.c_uint16 * 3)()
		sys.exit(n is None or ctypes.CDLL(None).syscall(n, 3, 0, sizes) != 0)
	END
}

teardown() {
	run_end
}

# corp: a credential for npm; its secret in $token
corp() {
	token=$(secret)
	put "$token" https://npm.example --scope @corp --kind bearer --username '' --name corp
}

uncorp() {
	"${V[@]}" remove corp >/dev/null
}

# gated RULE COMMAND...
gated() {
	local rule=$1

	shift
	"${V[@]}" run "${rung[@]}" --gate "$rule" -- "$@"
}

@test "own: the command's process, however it becomes another program; not what it starts" {
	as_both on_rungs own
}

own() {
	corp
	gated own sh -c "$checks"'
		f=$NPM_CONFIG_USERCONFIG
		test -f "$f"
		test -z "$(cat "$f")"
		not sh -c "grep -q . \"$f\""
		exec grep -q "$1" "$f"' sh "$token"
	# threads are the process; its children are not
	gated own python3 - "$token" <<-'END'
		import os, subprocess, sys, threading
		f, token = os.environ["NPM_CONFIG_USERCONFIG"], sys.argv[1]
		got = []
		t = threading.Thread(target=lambda: got.append(open(f).read()))
		t.start()
		t.join()
		assert token in got[0]
		assert subprocess.run(["cat", f], capture_output=True).stdout == b""
		pid = os.fork()
		if pid == 0:
		    os._exit(open(f).read() != "")
		assert os.waitpid(pid, 0)[1] == 0
	END
	split gated own sh -c 'cat "$NPM_CONFIG_USERCONFIG" >&2; exit 3'
	[[ $status -eq 3 && $err == *"npmrc was not for 1 who opened it"* ]]
	uncorp
}

@test "first: whoever opens it first, once; all: every process" {
	as_both on_rungs first_and_all
}

first_and_all() {
	corp
	gated first sh -c "$checks"'f=$NPM_CONFIG_USERCONFIG; cat "$f" | grep -q "$1"; test -z "$(cat "$f")"; read -r x <"$f" || true; test -z "$x"' sh "$token"
	gated all sh -c "$checks"'f=$NPM_CONFIG_USERCONFIG; cat "$f" | grep -q "$1"; cat "$f" | grep -q "$1"; (grep -q "$1" "$f")' sh "$token"
	uncorp
}

@test "--once with a gate for more than first readers is refused, in any order" {
	local words

	run_home
	for words in "--once --gate own" "--gate own --once" "--once --gate all" "--gate all --once"; do
		# shellcheck disable=SC2086 # several words
		split "${V[@]}" run $words -- true
		[ "$status" = 125 ]
		[[ $err == *"--once is for first readers"* ]]
	done
	split "${V[@]}" run --gate first --once -- true
	[ "$status" = 0 ]
}

@test "first: of 64 at once exactly one" {
	run_home
	on_rungs race
}

race() {
	corp
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		gated first python3 - "$token" <<-'END'
			import os, sys
			f, token = os.environ["NPM_CONFIG_USERCONFIG"], sys.argv[1]
			go, ready = os.pipe(), []
			for _ in range(64):
			    pid = os.fork()
			    if pid == 0:
			        os.close(go[1])
			        os.read(go[0], 1)
			        os._exit(7 if token in open(f).read() else 0)
			    ready.append(pid)
			os.close(go[0])
			os.close(go[1])
			won = sum(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) == 7 for p in ready)
			assert won == 1, won
		END
	done
	uncorp
}

@test "by every kind of path and call; other files as ever" {
	as_both on_rungs paths
}

paths() {
	corp
	ln -s ../nowhere "$T/work/dangling" 2>/dev/null || true
	gated own python3 - "$token" "${rung[1]}" <<-'END'
		import ctypes, errno, os, platform, sys
		f, token, rung = os.environ["NPM_CONFIG_USERCONFIG"], sys.argv[1], sys.argv[2]
		here = os.getcwd()
		def reads(path, **kw):
		    fd = os.open(path, os.O_RDONLY | kw.pop("flags", 0), **kw)
		    try:
		        return token.encode() in os.read(fd, 1 << 16)
		    finally:
		        os.close(fd)
		assert reads(f)
		assert reads(f) and reads(f)  # from the beginning each time
		assert reads(f, flags=os.O_NOFOLLOW) if rung == "R1" else True
		if os.path.lexists("link"):
		    os.unlink("link")
		os.symlink(f, "link")
		assert reads("link") and reads(here + "/link") and reads("./../work/link") and reads("/" + here + "//link")
		d = os.open(os.path.dirname(f), os.O_RDONLY | os.O_DIRECTORY)
		assert reads(os.path.basename(f), dir_fd=d)
		os.chdir(os.path.dirname(f))
		assert reads(os.path.basename(f))
		os.chdir(here)
		# openat2() with its structure; a path that crosses a page
		libc = ctypes.CDLL(None, use_errno=True)
		libc.mmap.restype = ctypes.c_void_p
		libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
		page = libc.mmap(None, 8192, 3, 0x22, -1, 0)
		for at in (page + 4096 - 3, page + 4096 - len(f) // 2, page + 8192 - len(f) - 1):
		    ctypes.memmove(at, f.encode() + b"\0", len(f) + 1)
		    fd = libc.syscall(437, -100, ctypes.c_void_p(at), (ctypes.c_uint64 * 3)(0, 0, 0), 24)
		    assert fd >= 0 and token.encode() in os.read(fd, 1 << 16), (fd, os.strerror(ctypes.get_errno()))
		    os.close(fd)
		# closed at exec, or not, as the structure says, wherever it lies
		how = libc.mmap(None, 1 << 21, 3, 0x22, -1, 0) + 0xfffff & ~0xfffff
		for flags in (0, os.O_CLOEXEC):
		    ctypes.memmove(how, (ctypes.c_uint64 * 3)(flags, 0, 0), 24)
		    fd = libc.syscall(437, -100, f.encode(), ctypes.c_void_p(how), 24)
		    assert fd >= 0 and os.get_inheritable(fd) == (flags == 0), flags
		fd = os.open(f, os.O_RDONLY | os.O_CLOEXEC)
		assert not os.get_inheritable(fd)
		# what fails fails as it did
		for path, want in (("/no/such", errno.ENOENT), ("dangling", errno.ENOENT), (f + "/x", errno.ENOTDIR), ("x" * 300, errno.ENAMETOOLONG)):
		    try:
		        os.open(path, os.O_RDONLY)
		        raise AssertionError(path)
		    except OSError as e:
		        assert e.errno == want, (path, e)
		assert libc.open(ctypes.c_void_p(1), 0) == -1 and ctypes.get_errno() == errno.EFAULT
		assert libc.syscall(425, 8, ctypes.c_void_p(0)) == -1 and ctypes.get_errno() == errno.ENOSYS
		for flags in (os.O_WRONLY, os.O_RDWR):
		    try:
		        os.close(os.open(f, flags))
		    except OSError:
		        pass
		open("new", "w").write("mine")
		assert open("new").read() == "mine" and os.listdir("/")
	END
	rm -f "$T/work/link" "$T/work/new"
	uncorp
}

@test "200 processes, each many times: nobody but the command, and nothing else is disturbed" {
	run_home
	on_rungs many
}

many() {
	corp
	gated own python3 - "$token" <<-'END'
		import os, sys
		f, token = os.environ["NPM_CONFIG_USERCONFIG"], sys.argv[1]
		pids = []
		for i in range(200):
		    pid = os.fork()
		    if pid == 0:
		        bad = 0
		        for _ in range(20):
		            bad += open(f).read() != ""
		            bad += not open("/proc/version").read().startswith("Linux")
		        os._exit(bad != 0)
		    pids.append(pid)
		for _ in range(50):
		    assert token in open(f).read()
		assert not any(os.waitpid(p, 0)[1] for p in pids)
	END
	uncorp
}

@test "a path that changes in memory while it is looked at gives nobody what is not his" {
	run_home
	on_rungs swap
}

swap() {
	corp
	cat >swap.c <<-'END'
		#include <fcntl.h>
		#include <pthread.h>
		#include <string.h>
		#include <sys/wait.h>
		#include <unistd.h>
		static char path[4096];
		static const char *f;
		static void *flip(void *arg) {
			for (;;) { strcpy(path, f); strcpy(path, "/etc/hostname"); }
			return arg;
		}
		int main(int argc, char **argv) {
			pthread_t t;
			if (fork() == 0) {
				f = argv[1];
				pthread_create(&t, NULL, flip, NULL);
				for (int i = 0; i < 5000; i++) {
					char b[4096];
					int fd = open(path, O_RDONLY);
					ssize_t n = fd >= 0 ? read(fd, b, sizeof b - 1) : 0;
					close(fd);
					b[n > 0 ? n : 0] = 0;
					if (strstr(b, argv[2])) _exit(9);
				}
				_exit(0);
			}
			int s;
			wait(&s);
			return argc == 3 && WIFEXITED(s) ? WEXITSTATUS(s) : 8;
		}
	END
	cc -pthread -o "$T/swap" swap.c
	gated own sh -c 'exec "$1" "$NPM_CONFIG_USERCONFIG" "$2"' sh "$T/swap" "$token"
	uncorp
}

@test "in a chroot, and below a file of the user's own" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	run_home
	echo 'color=false' >"$HOME/.npmrc"
	rung=(--require-rung R1)
	"${V[@]}" run "${rung[@]}" -- true 2>/dev/null || skip "R1 cannot be reached here"
	corp
	gated own sh -c 'exec grep -q "$1" ~/.npmrc' sh "$token"
	gated own sh -c "$checks"'test -z "$(cat ~/.npmrc)"'
	gated own python3 - "$token" <<-'END'
		import os, sys
		f = os.environ["NPM_CONFIG_USERCONFIG"]
		os.chroot(os.path.dirname(f))
		assert sys.argv[1] in open("/" + os.path.basename(f)).read()
		assert sys.argv[1] in open("/../" + os.path.basename(f)).read()
	END
	uncorp
}

@test "npm has its token, a script that npm starts has none" {
	as_both on_rungs npm_script
}

npm_script() {
	corp
	echo '{ "name": "x", "version": "1.0.0", "scripts": { "steal": "cat $NPM_CONFIG_USERCONFIG ~/.npmrc 2>/dev/null; true" } }' >package.json
	split gated own npm run --silent steal
	[[ $status -eq 0 && $out != *$token* ]] || { cat "$T/err" >&2; return 1; }
	split gated own npm config get @corp:registry
	[[ $out == https://npm.example/* ]] || { cat "$T/err" >&2; return 1; }
	# the token itself, as npm sends it
	python3 - >"$T/port" <<-'END' &
		import http.server, sys
		class H(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        open("seen", "w").write(str(self.headers.get("authorization")))
		        self.send_error(404)
		    def log_message(self, *a):
		        pass
		s = http.server.HTTPServer(("127.0.0.1", 0), H)
		print(s.server_port, flush=True)
		s.handle_request()
	END
	until [ -s "$T/port" ]; do sleep 0.05; done
	put "$token" "http://127.0.0.1:$(<"$T/port")" --scope @loop --kind bearer --username '' --name loop
	gated own npm view --fetch-retries=0 @loop/x >/dev/null 2>&1 || true
	[ "$(<seen)" = "Bearer $token" ]
	rm -f seen "$T/port" package.json
	"${V[@]}" remove loop >/dev/null
	uncorp
}

@test "git's helper asks the broker, as without a gate" {
	run_home
	on_rungs git_helper
}

git_helper() {
	token=$(secret)
	put "$token" https://git.example --username u --name g
	gated own sh -c "$checks"'printf "protocol=https\nhost=git.example\n\n" | git credential fill | grep -q "$1"' sh "$token"
	"${V[@]}" remove g >/dev/null
}

@test "a file of docker build --secret is for the client and its plug-ins" {
	run_home
	corp
	token2=$(secret)
	put "$token2" https://b.example --username u --name b
	build() {
		"${V[@]}" run "${rung[@]}" --gate own --build-secret t=keystore:b -- \
			sh -c 'token=$1; shift; cat "$(echo "$*" | sed "s/.*src=//")" | grep -q "$token"' sh "$token2" '{secrets}'
	}
	on_rungs build
}

@test "the gate's end is the command's; valetkey's end is the gate's" {
	run_home
	on_rungs ends
}

# gates: of this test's runs, not of others on this machine
gates() {
	local pid

	for pid in $(pgrep -f "^$T/bin/valetkey"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != valetkey-gate ] || echo "$pid"
	done
}

ends() {
	corp
	rm -f begun
	status=0
	gated own sh -c 'touch begun; pkill -KILL -P "$PPID" -x valetkey-gate; sleep 5; exit 3' 2>/dev/null &
	run=$!
	if [ "$1" = R1 ]; then # from inside it cannot be seen
		await begun
		kill -KILL $(gates)
	fi
	wait $run || status=$?
	[ "$status" = 137 ]
	rm begun
	"${V[@]}" run "${rung[@]}" --gate own -- sh -c 'touch begun; for i in $(seq 200); do sleep 0.1; echo >>lives; done' &
	run=$!
	await begun
	kill -KILL $run
	wait $run || true
	for _ in $(seq 100); do
		[ -n "$(gates)" ] || break
		sleep 0.05
	done
	[ -z "$(gates)" ]
	rm -f lives
	sleep 0.3
	[ ! -e lives ]
	uncorp
}

@test "a second gate within, and a word that is none" {
	run_home
	corp
	rung=(--max-rung R2)
	split gated own env VALETKEY_KEYSTORE="$VALETKEY_KEYSTORE" VALETKEY_KEY_FILE="$VALETKEY_KEY_FILE" \
		"$T/bin/valetkey" run --gate own -- true
	[[ $status -eq 125 && $err == *"a gate"* || $err == *"has one"* ]] || { echo "$status $err"; return 1; }
	split "${V[@]}" run --gate sesame -- true
	[[ $status -eq 125 || $status -eq 2 ]] && [[ $err == *"own, first or all"* ]]
}

@test "a file is served at its usual place where there is none, and where the user's own is" {
	as_both on_rungs usual_place
}

usual_place() {
	token=$(secret)
	put "$token" https://host.example --username u --name host
	with_netrc() {
		"${V[@]}" run "${rung[@]}" --with netrc --gate own -- "$@"
	}
	# No file, no directory that it would need, and none afterwards.
	with_netrc python3 - "$token" <<-'END'
		import netrc, os, subprocess, sys
		del os.environ["NETRC"]
		home = os.environ["HOME"]
		assert netrc.netrc().authenticators("host.example")[2] == sys.argv[1]
		os.chdir(home)
		for path in (".netrc", "./.netrc", "../home/.netrc", home + "//.netrc", home + "/./.netrc"):
		    assert sys.argv[1] in open(path).read(), path
		assert not os.path.exists(".netrc")
		for path in ("netrc", "x/.netrc", "../.netrc", home + "/.netrc/"):
		    try:
		        open(path)
		        sys.exit(path)
		    except OSError:
		        pass
		assert subprocess.run(["cat", ".netrc"], capture_output=True).returncode == 1
		open(".netrc", "w").write("mine")
		assert open(".netrc").read() != "mine"
		os.unlink(".netrc")
	END
	[ ! -e "$HOME/.netrc" ]
	echo 'machine other.example login me password mine' >"$HOME/.netrc"
	chown --reference="$T/work" "$HOME/.netrc"
	chmod 600 "$HOME/.netrc"
	with_netrc python3 - "$token" <<-'END'
		import os, subprocess, sys
		path = os.environ["HOME"] + "/.netrc"
		assert sys.argv[1] in open(path).read()
		assert sys.argv[1] not in subprocess.run(["cat", path], capture_output=True, text=True).stdout
	END
	[ "$(cat "$HOME/.netrc")" = 'machine other.example login me password mine' ]
	rm "$HOME/.netrc"
	"${V[@]}" remove host >/dev/null
}

leaves_daemon() {
	corp
	for where in R2 R3; do
		rm -f "$T/work/said"
		"${V[@]}" run --rung "$where" --gate own -- sh -c '
			setsid sh -c "sleep 0.5; { cat /etc/passwd >/dev/null && echo opens; cat \"$1\"; } >said.new 2>&1
				mv said.new said" - "$NPM_CONFIG_USERCONFIG" >/dev/null 2>&1 &'
		await "$T/work/said"
		grep -x opens "$T/work/said"
		run grep "$token" "$T/work/said"
		[ "$status" = 1 ]
	done
	uncorp
}

@test "what the command left running opens files as ever, and none of the run's" {
	as_one leaves_daemon
}
