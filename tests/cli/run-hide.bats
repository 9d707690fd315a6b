#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# run --gate on R2 and R3: what is hidden from the command, and that everything else is as ever.
# shellcheck disable=SC2016,SC2154,SC2030,SC2031  # the scripts are the command's; variables come from run-lib

load lib
load run-lib
load hide-lib

@test "keystore, keys and credential files cannot be read, by no way" {
	as_each hidden
}

hidden() {
	mkdir -p "$HOME/links"
	ln -sf "$HOME/.netrc" "$HOME/links/n"
	[ "$(id -u)" != 0 ] || chown -R --reference="$T/work" "$HOME"
	hiding "$1" python3 - "$VALETKEY_KEYSTORE" "$VALETKEY_KEY_FILE" "${files[@]}" <<-'END'
		import errno, os, socket, subprocess, sys
		home = os.environ["HOME"]
		def closed(path, flags=os.O_RDONLY, **kw):
		    try:
		        fd = os.open(path, flags, **kw)
		    except OSError as e:
		        assert e.errno in (errno.EACCES, errno.ENOENT, errno.EXDEV), (path, e)
		        return
		    raise AssertionError((path, flags, os.read(fd, 100)))
		for f in sys.argv[1:]:
		    assert os.path.exists(f)
		    for flags in (os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREAT, os.O_RDWR | os.O_APPEND, os.O_RDONLY | os.O_NOFOLLOW, os.O_RDONLY | os.O_NONBLOCK):
		        closed(f, flags)
		    d = os.open(os.path.dirname(f), os.O_RDONLY)
		    closed(os.path.basename(f), dir_fd=d)
		    os.chdir(d)
		    closed(os.path.basename(f))
		    closed("../" + os.path.basename(os.getcwd()) + "//./" + os.path.basename(f))
		    for root in ("/proc/self/root", "/proc/self/cwd/" + os.path.relpath("/"), "/proc/thread-self/root", f"/proc/{os.getpid()}/root", f"/dev/fd/{d}/" + os.path.relpath("/")):
		        closed(root + f)
		    # by a descriptor of its own that cannot read
		    for flags in (os.O_WRONLY, os.O_PATH):
		        fd = os.open(f, flags)
		        for name in (f"/proc/self/fd/{fd}", f"/dev/fd/{fd}", f"/proc/{os.getpid()}/fd/{fd}"):
		            closed(name)
		            closed(name, os.O_RDWR)
		        try:
		            assert os.sendfile(os.open("sink", os.O_WRONLY | os.O_CREAT), fd, 0, 10) == -1
		        except OSError:
		            pass
		    # by other names
		    os.symlink(f, "name")
		    closed("name")
		    os.unlink("name")
		    os.link(f, "name")
		    closed("name")
		    os.unlink("name")
		    os.rename(f, "name")
		    closed("name")
		    os.mkdir("dir")
		    os.rename("name", "dir/name")
		    closed("dir/name")
		    os.rename("dir", "dir2")
		    closed("dir2/name")
		    for act in (os.rename, os.link):
		        try:
		            act("dir2/name", home + "/old/name")
		            raise AssertionError(act)
		        except OSError as e:
		            assert e.errno == errno.EXDEV, e
		    try:
		        os.rename("dir2", home + "/old/dir")
		        raise AssertionError("a directory")
		    except OSError as e:
		        assert e.errno == errno.EXDEV, e
		    os.rename("dir2/name", f)
		    os.rmdir("dir2")
		    assert subprocess.run(["cat", f], capture_output=True).stdout == b""
		closed(home + "/links/n")
		# its directories by another name
		os.rename(home + "/.config", home + "/conf")
		closed(home + "/conf/gh/hosts.yml")
		os.rename(home + "/conf", home + "/.config")
		os.rename(home + "/.config/gh", home + "/gh")
		closed(home + "/gh/hosts.yml")
		os.rename(home + "/gh", home + "/.config/gh")
	END
	rm -f "$HOME/sink" "$T/sink" "$HOME"/.config/gh/sink
	for f in "${files[@]}"; do [ "$(<"$f")" = hush ]; done
}

@test "a hidden directory, a hard link that was there before, and a directory that cannot be listed" {
	as_each around
}

around() {
	mkdir -p "$T/run/valetkey/sub" "$T/run/other" "$T/dark/in" "$T/dark/out"
	for f in "$T/run/valetkey/session" "$T/run/valetkey/sub/session" "$T/dark/in/token"; do echo hush >"$f"; done
	echo mine >"$T/run/other/file"
	echo mine >"$T/dark/out/file"
	ln -f "$HOME/.netrc" "$HOME/before"
	[ "$(id -u)" != 0 ] || chown -R --reference="$T/work" "$T/run" "$T/dark" "$HOME"
	chmod 311 "$T/dark"
	XDG_RUNTIME_DIR=$T/run NETRC=$T/dark/in/token hiding "$1" python3 - "$T" <<-'END'
		import errno, os, sys
		top, home = sys.argv[1], os.environ["HOME"]
		def closed(*paths):
		    for path in paths:
		        for flags in (os.O_RDONLY, os.O_RDWR):
		            try:
		                fd = os.open(path, flags)
		            except OSError as e:
		                assert e.errno == errno.EACCES, (path, e)
		                continue
		            raise AssertionError((path, os.read(fd, 100)))
		closed(home + "/before", top + "/dark/in/token")
		assert open(top + "/dark/out/file").read() == open(top + "/run/other/file").read() == "mine\n"
		os.chdir(top + "/run")
		closed("valetkey/session", "valetkey/sub/session")
		os.rename("valetkey", "other2")
		closed("other2/session", "other2/sub/session")
		open("other2/new", "w").write("x")
		closed("other2/new")
		os.unlink("other2/new")
		os.rename("other2/session", "session")
		closed("session")
		os.rename("session", "other2/session")
		os.rename("other2", "valetkey")
		try:
		    os.rename("valetkey", "other/valetkey")
		    raise AssertionError("moved")
		except OSError as e:
		    assert e.errno == errno.EXDEV, e
		if os.getuid() == 0:  # by the number of a file, which takes CAP_DAC_READ_SEARCH
		    import ctypes
		    libc = ctypes.CDLL(None, use_errno=True)
		    handle = ctypes.create_string_buffer(8 + 128)
		    handle[0:4] = (128).to_bytes(4, sys.byteorder)
		    mount = ctypes.c_int()
		    if libc.name_to_handle_at(-100, (home + "/.netrc").encode(), handle, ctypes.byref(mount), 0) == 0:
		        assert libc.open_by_handle_at(os.open(home, os.O_RDONLY), handle, os.O_RDONLY) == -1
		        assert ctypes.get_errno() in (errno.EACCES, errno.EPERM)
	END
	chmod 755 "$T/dark"
	rm -f "$HOME/before"
}

@test "what is there, and what comes, is read and written as ever" {
	as_each as_ever
}

as_ever() {
	rm -rf "$HOME"/new*
	hiding "$1" python3 - "$1" <<-'END'
		import ctypes, errno, fcntl, mmap, os, platform, sqlite3, stat, subprocess, sys, tempfile, threading
		home = os.environ["HOME"]
		os.chdir(home)
		def refused(f, *e):
		    try:
		        f()
		    except OSError as x:
		        assert x.errno in e, x
		        return
		    raise AssertionError(f)
		for old in (".profile", "old/file", home + "/old/../.profile", "/proc/self/cwd/old/file", "/proc/self/root" + home + "/.profile"):
		    assert open(old).read() == "mine\n", old
		# a file in the home, made by one process and read by others
		open("new", "w").write("one\n")
		assert open("new").read() == open(home + "/new").read() == "one\n"
		assert subprocess.run(["cat", "new"], capture_output=True).stdout == b"one\n"
		subprocess.run(["sh", "-c", "echo two >new2; cat new2 >>new"], check=True)
		assert open("new").read() == "one\ntwo\n"
		assert subprocess.run(["cat", "/dev/stdin"], stdin=open("new"), capture_output=True).stdout == b"one\ntwo\n"
		os.symlink("new", "newlink")
		assert open("newlink").read() == "one\ntwo\n"
		refused(lambda: os.open("newlink", os.O_RDONLY | os.O_NOFOLLOW), errno.ELOOP)
		with open("old/moved", "w") as f:
		    f.write("moved")
		os.rename("old/moved", "newmoved")
		assert open("newmoved").read() == "moved"
		refused(lambda: os.rename("newmoved", "old/back"), errno.EXDEV)
		subprocess.run(["mv", "newmoved", "old/back"], check=True)
		assert open("old/back").read() == "moved"
		os.unlink("old/back")
		# flags of open
		os.umask(0o027)
		fd = os.open("newf", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
		assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o640 and os.fstat(fd).st_uid == os.getuid()
		assert fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_NONBLOCK | os.O_APPEND | os.O_ACCMODE) == os.O_RDWR
		refused(lambda: os.open("newf", os.O_RDWR | os.O_CREAT | os.O_EXCL), errno.EEXIST)
		os.write(fd, b"0123456789")
		assert os.pread(fd, 4, 2) == b"2345"
		with mmap.mmap(fd, 10) as m:
		    m[0:1] = b"x"
		os.close(fd)
		libc = ctypes.CDLL(None, use_errno=True)
		for flags, cloexec in ((os.O_RDWR, 0), (os.O_RDWR | os.O_CLOEXEC, 1)):
		    fd = libc.open(b"newf", flags)
		    assert fcntl.fcntl(fd, fcntl.F_GETFD) == cloexec
		    os.close(fd)
		fd = os.open("newf", os.O_RDWR | os.O_APPEND)
		os.write(fd, b"!")
		assert os.pread(fd, 20, 0) == b"x123456789!"
		fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
		os.close(fd)
		for _ in range(200):
		    a = os.open("newf", os.O_RDWR)
		    fcntl.flock(a, fcntl.LOCK_EX | fcntl.LOCK_NB)
		    os.close(a)
		assert open("newf").read() == "x123456789!"
		fd = os.open("newf", os.O_RDWR | os.O_TRUNC | os.O_NONBLOCK)
		assert os.fstat(fd).st_size == 0 and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK
		os.close(fd)
		os.chmod("newf", 0)
		if os.getuid() != 0:
		    refused(lambda: os.open("newf", os.O_RDONLY), errno.EACCES)
		for flags in (os.O_RDONLY, os.O_RDWR):
		    refused(lambda: os.open("newnone", flags), errno.ENOENT)
		    refused(lambda: os.open("newnone/x", flags | os.O_CREAT), errno.ENOENT)
		    refused(lambda: os.open("new/x", flags | os.O_CREAT), errno.ENOTDIR)
		    refused(lambda: os.open("newdir/", flags | os.O_CREAT), errno.EISDIR, errno.ENOENT)
		refused(lambda: os.open("", os.O_RDONLY), errno.ENOENT)
		fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
		os.write(fd, b"t")
		assert os.pread(fd, 9, 0) == b"t"
		os.close(fd)
		h, name = tempfile.mkstemp(dir=home, prefix="new")
		os.write(h, b"tmp")
		assert open(name).read() == "tmp"
		# openat2(), plainly and with conditions
		for resolve, want in ((0, True), (8, False)):
		    fd = libc.syscall(437, -100, b"new2", (ctypes.c_uint64 * 3)(os.O_RDONLY, 0, resolve), 24)
		    assert (fd >= 0) == want, (resolve, fd)
		# a new tree, from another directory
		os.makedirs("newtree/a/b")
		d = os.open("newtree/a", os.O_RDONLY)
		fd = os.open("b/f", os.O_RDWR | os.O_CREAT, dir_fd=d)
		os.write(fd, b"deep")
		os.close(fd)
		os.chdir("newtree/a/b")
		assert open("f").read() == open("../b/f").read() == open(home + "/newtree/a/b/f").read() == "deep"
		assert os.listdir(".") == ["f"] and os.listdir(home + "/newtree") == ["a"]
		os.rename("f", "../../g")
		assert open("../../g").read() == "deep"
		os.chdir(home)
		db = sqlite3.connect("newdb")
		db.execute("pragma journal_mode=wal")
		db.execute("create table t(x)")
		db.execute("insert into t values (7)")
		db.commit()
		assert sqlite3.connect("newdb").execute("select x from t").fetchone() == (7,)
		# many at once
		bad = []
		def work(i):
		    try:
		        for k in range(50):
		            with open(f"newtree/w{i}", "w+") as f:
		                f.write(str(k)); f.seek(0)
		                if f.read() != str(k): bad.append(i)
		    except OSError as e:
		        bad.append(e)
		ts = [threading.Thread(target=work, args=(i,)) for i in range(8)]
		[t.start() for t in ts]; [t.join() for t in ts]
		assert not bad, bad
		# pipes and devices
		r, w = os.pipe()
		os.write(w, b"p")
		assert os.read(os.open(f"/proc/self/fd/{r}", os.O_RDONLY), 1) == b"p"
		os.read(os.open("/dev/urandom", os.O_RDONLY), 4)
		os.write(os.open("/dev/null", os.O_RDWR), b"x")
		subprocess.run(["bash", "-c", "cat <(echo a) | grep -q a"], check=True)
		os.mkfifo("old/fifo")
		assert subprocess.run(["sh", "-c", "echo f >old/fifo & cat old/fifo"], capture_output=True, timeout=20).stdout == b"f\n"
		os.unlink("old/fifo")
		os.mkfifo("newfifo")
		refused(lambda: os.open("newfifo", os.O_RDWR), errno.EACCES)
		m = os.memfd_create("m")
		os.write(m, b"mem")
		assert open(f"/proc/self/fd/{m}").read() == "mem"
		# a script there is read by its interpreter; the kernel does not execute it
		open("newscript", "w").write("#!/bin/sh\necho ran\n")
		os.chmod("newscript", 0o755)
		assert subprocess.run(["sh", "newscript"], capture_output=True).stdout == b"ran\n"
		refused(lambda: subprocess.run(["./newscript"]), errno.EACCES)
		open("old/script", "w").write("#!/bin/sh\necho ran\n")
		os.chmod("old/script", 0o755)
		assert subprocess.run(["old/script"], capture_output=True).stdout == b"ran\n"
		os.unlink("old/script")
	END
	rm -rf "$HOME"/new*
}

@test "programs: a compiler's output in the home, git, npm's cache that was not there" {
	as_each programs
}

programs() {
	rm -rf "$HOME"/new* "$HOME/.npm" "$HOME/.gitconfig"
	hiding "$1" sh -c "$checks"'
		cd
		echo "int main(void) { return 0; }" >new.c
		cc -o new.out new.c
		file=$(head -c 4 new.out | od -An -c | tr -d " \n"); test "$file" = "177ELF"
		cp new.out old/out; old/out; rm old/out
		git config --global user.name me; git config --global user.email me@example
		test "$(git config user.name)" = me
		git init -q newrepo; cd newrepo; echo a >a; git add a; git commit -qm a; git log --oneline | grep -q a; git status --porcelain; git clone -q . ../newclone; cat ../newclone/a | grep -q a; cd
		test ! -e .npm
		mkdir newpkg; cd newpkg
		echo "{ \"name\": \"x\", \"version\": \"1.0.0\", \"scripts\": { \"t\": \"cat package.json\" } }" >package.json
		npm run --silent t | grep -q 1.0.0
		npm pack --silent | grep -q x-1.0.0.tgz
		mkdir user; cd user; echo "{}" >package.json; npm install --silent --no-audit --offline ../x-1.0.0.tgz
		cat node_modules/x/package.json | grep -q 1.0.0
		test -d ~/.npm/_cacache'
	rm -rf "$HOME"/new* "$HOME/.npm" "$HOME/.gitconfig"
}

@test "a path that flips in memory between a file of one's own and a hidden one never opens the hidden one" {
	as_each thief
}

thief() {
	cat >"$T/thief.c" <<-'END'
		#include <fcntl.h>
		#include <pthread.h>
		#include <string.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		static char path[4096];
		static const char *a, *b;
		static void *flip(void *arg) {
			for (;;) { strcpy(path, a); strcpy(path, b); }
			return arg;
		}
		int main(int argc, char **argv) {
			pthread_t t;
			int got = 0;
			if (argc != 3) return 8;
			a = argv[1]; b = argv[2];
			strcpy(path, a);
			pthread_create(&t, NULL, flip, NULL);
			for (int i = 0; i < 20000; i++) {
				char text[64] = "";
				int fd = open(path, i % 3 == 0 ? O_RDWR : i % 3 == 1 ? O_RDONLY : O_RDWR | O_CREAT, 0600);
				if (fd < 0) continue;
				if (read(fd, text, sizeof text - 1) > 0 && strstr(text, "hush")) _exit(9);
				if (strstr(text, "mine")) got++;
				close(fd);
			}
			_exit(got > 0 ? 0 : 7);
		}
	END
	cc -pthread -o "$T/thief" "$T/thief.c"
	hiding "$1" sh -c 'echo mine >~/newer; exec "$1" ~/newer ~/.netrc' sh "$T/thief"
	hiding "$1" "$T/thief" "$HOME/old/file" "$HOME/.netrc"
	# a link of the file system that flips
	hiding "$1" python3 - <<-'END'
		import os, threading
		os.chdir(os.environ["HOME"])
		open("newer", "w").write("mine")
		stop, got = False, set()
		def flip():
		    while not stop:
		        for to in ("newer", ".netrc"):
		            os.symlink(to, "new.l")
		            os.rename("new.l", "new.link")
		t = threading.Thread(target=flip)
		t.start()
		for _ in range(5000):
		    try:
		        got.add(open("new.link").read())
		    except OSError:
		        pass
		stop = True
		t.join()
		assert got and "hush\n" not in got, got
	END
	rm -f "$HOME"/new*
}

@test "who has given up a right is not given it by the gate" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	run_home
	echo hush >"$HOME/.netrc"
	V=(setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$T/bin/valetkey")
	hiding R2 sh -c "$checks"'
		cd; umask 077; echo root >new
		cat new >/dev/null
		not setpriv --reuid 12321 --regid 12321 --clear-groups cat ~/new
		not setpriv --reuid 12321 --regid 12321 --clear-groups sh -c "exec 3<>~/new2"
		not setpriv --bounding-set -dac_override --inh-caps -dac_override cat ~/new
		chmod 711 .'
}

@test "files of the run, two parts of a command and the log, beside what is hidden" {
	as_each beside
}

beside() {
	token=$(secret)
	put "$token" https://npm.example --scope @corp --kind bearer --username '' --name corp
	rm -f "$HOME/log"
	VALETKEY_LOG=$HOME/log hiding "$1" sh -c "$checks"'
		f=$NPM_CONFIG_USERCONFIG
		test -f "$f"
		not sh -c "grep -q . \"$f\""
		exec grep -q "$1" "$f"' sh "$token"
	grep -q '"event":"end"' "$HOME/log"
	# the part without credentials still makes and reads files in the home
	cd "$T/work"
	rm -rf "$HOME/new" package-lock.json node_modules
	echo '{ "name": "x", "version": "1.0.0", "scripts": { "prepare": "echo made >~/new; cat ~/new; ! cat ~/.netrc" } }' >package.json
	chown --reference="$T/work" package.json
	"${V[@]}" run --rung "$1" --gate own --two-phase -- npm install --no-audit --offline >"$T/out" 2>&1 || { cat "$T/out"; return 1; }
	[ "$(<"$HOME/new")" = made ]
	rm -f package.json "$HOME/new" "$HOME/log"
	"${V[@]}" remove corp >/dev/null
}

@test "what is in force is said, and --no-confine and --keep-own-credentials are heeded" {
	as_each said
}

said() {
	split "${V[@]}" run --rung "$1" --gate own --verbose -- cat "$HOME/.netrc"
	[ "$status" = 1 ]
	[[ $err == *"the command does not see $HOME/.netrc"* ]]
	[[ $err == *"reads by way of the gate, and cannot execute"* ]]
	[[ $err != *"confinement of files"* ]]
	[[ $err != *"what it makes here"* ]]
	cd "$HOME/.config"
	split "${V[@]}" run --rung "$1" --gate own -- true
	[[ $err == *"gh/hosts.yml is hidden from the command, which therefore cannot execute what it makes here"* ]]
	cd "$T/work"
	split "${V[@]}" run --rung "$1" --verbose -- cat "$HOME/.netrc"
	[ "$out" = $'hush\n' ]
	[[ $err == *"not in force: confinement of files: without a gate (--gate)"* ]]
	split "${V[@]}" run --rung "$1" --gate own --verbose --no-confine -- cat "$HOME/.netrc"
	[ "$out" = $'hush\n' ]
	[[ $err == *"not in force: confinement of files: --no-confine"* ]]
	split "${V[@]}" run --rung "$1" --gate own --keep-own-credentials -- cat "$HOME/.netrc"
	[ "$out" = $'hush\n' ]
	split "${V[@]}" run --rung "$1" --gate own --keep-own-credentials -- cat "$VALETKEY_KEY_FILE"
	[ "$status" = 1 ]
	[ -z "$out" ]
}

# In a mount namespace of the test's own, since the path is one of the machine.
@test "the token of a pod's service account is hidden where it opens a server" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	run_home
	account=/run/secrets/kubernetes.io/serviceaccount/token
	export VALETKEY_CONFIG=$HOME/config.ini account
	printf '[server vault]\naddress = https://127.0.0.1:1\nauth = kubernetes\nrole = x\n' >"$VALETKEY_CONFIG"
	try=("$T/bin/valetkey" run --no-mask --require-rung R1 -- sh -c 'cat /var$account')
	split unshare -m sh -ec 'mount -t tmpfs none /run; mkdir -p "${account%/*}"; echo pods-token >$account; "$@"' sh "${try[@]}"
	echo "$out$err"
	[ "$status.$out" = 0. ]
	echo '[server vault]' >"$VALETKEY_CONFIG"
	split unshare -m sh -ec 'mount -t tmpfs none /run; mkdir -p "${account%/*}"; echo pods-token >$account; "$@"' sh "${try[@]}"
	echo "$out$err"
	[ "$out" = $'pods-token\n' ]
}
