"""What scripts/dist makes runs where there is no compiler, no Python, no git and no network: in a root with glibc and a shell alone."""
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import time
import urllib.request

import pytest
from conftest import free_port, root

build = pathlib.Path(os.environ.get("HEARTH_BUILD", root / "build"))


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run([root / "scripts/dist", "--out", out], capture_output=True, text=True, env={**os.environ, "HEARTH_BUILD": str(build)})
    assert done.returncode == 0, done.stderr
    return out


def bare_root(folder):
    """A root with what the archive asks for: glibc and /bin/sh (git runs hooks through it)."""
    for name in ("bin", "etc", "tmp", "proc", "dev", "lib64"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for line in subprocess.run(["ldd", "/bin/sh"], capture_output=True, text=True, check=True).stdout.splitlines():
        if match := re.search(r"(/\S*ld-linux\S*)", line):
            (folder / match[1].lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.realpath(match[1]), folder / match[1].lstrip("/"))
        elif match := re.search(r"=> (\S+)/libc\.so\.6", line):
            libc = pathlib.Path(match[1])
    to = folder / str(libc).lstrip("/")
    to.mkdir(parents=True, exist_ok=True)
    for name in ("libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0", "libresolv.so.2", "libnss_files.so.2", "libnss_dns.so.2"):
        if (libc / name).exists():
            shutil.copy(libc / name, to / name)
    shutil.copy(os.path.realpath("/bin/sh"), folder / "bin/sh")
    (folder / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    return folder


def inside(folder, *words, **kwargs):
    """The command in that root with a /proc and a /dev; where we are not root, in a user namespace of our own."""
    prefix = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    enter = 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && root=$0 && chroot=$(command -v chroot || echo /usr/sbin/chroot) && ' \
            'export PATH=/bin HOME=/tmp LC_ALL=C && exec "$chroot" "$root" "$@"'
    return [*prefix, "sh", "-c", enter, str(folder), *words], kwargs


def run_inside(folder, *words, **kwargs):
    command, options = inside(folder, *words, capture_output=True, text=True, timeout=60, **kwargs)
    done = subprocess.run(command, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def serves(folder, program, git):
    """The hub comes up, makes an account and a repository; git's own protocol is answered too when `git` is there."""
    port = free_port()
    command, options = inside(folder, program, "serve", "--port", str(port), "--data", "/tmp/data")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                assert urllib.request.urlopen(url + "/healthz", timeout=5).read() == b"ok\n"
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
                time.sleep(0.02)
        run_inside(folder, program, "admin", "user", "create", "ann", "--password-stdin", "--data", "/tmp/data", input="correct horse battery\n")
        token = run_inside(folder, program, "admin", "token", "create", "ann", "--role", "write", "--data", "/tmp/data").split()[-1]
        request = urllib.request.Request(url + "/api/repos/create", b'{"name": "m"}', {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=20).read()
        assert b'"sha"' in urllib.request.urlopen(url + "/api/models/ann/m", timeout=20).read()
        if git:
            clone = folder / "tmp/clone"
            done = subprocess.run(["git", "clone", "-q", f"{url}/ann/m", clone], capture_output=True, text=True, env={**os.environ, "GIT_LFS_SKIP_SMUDGE": "1"})
            assert done.returncode == 0, done.stderr
            (clone / "a.txt").write_text("a")
            git = ["git", "-C", clone, "-c", "user.name=ann", "-c", "user.email=a@b"]
            subprocess.run([*git, "add", "a.txt"], check=True)
            subprocess.run([*git, "commit", "-qm", "a"], check=True)
            pushed = subprocess.run([*git, "push", "-q", f"http://ann:{token}@127.0.0.1:{port}/ann/m", "HEAD:main"], capture_output=True, text=True)
            assert pushed.returncode == 0, pushed.stderr
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_archive_runs_with_glibc_and_a_shell_alone(dist, tmp_path):
    folder = bare_root(tmp_path / "root")
    archive = next(dist.glob("hearth-*.tar.gz"))
    with tarfile.open(archive) as packed:
        names = packed.getnames()
        assert not any(re.search(r"/lib(c|m|pthread|dl)\.so|ld-linux", n) for n in names)  # the machine's own
        packed.extractall(folder / "opt", filter="tar")
    program = f"/opt/{names[0]}/bin/hearth"
    version = re.search(r"project\(hearth VERSION ([0-9.]+)", (root / "CMakeLists.txt").read_text())[1]
    assert run_inside(folder, program, "--version") == f"hearth {version}\n"
    # A part that is not there says where it is.
    command, options = inside(folder, program, "datasets", "head", "/tmp/x.parquet", capture_output=True, text=True)
    assert "hearth-extra" in subprocess.run(command, **options).stderr
    serves(folder, program, git=True)
    # Moved elsewhere, it runs the same.
    (folder / "opt").rename(folder / "srv")
    assert run_inside(folder, program.replace("/opt/", "/srv/"), "--version") == f"hearth {version}\n"
    libraries = [n for n in names if re.search(r"/lib/lib(?!hearth)", n)]
    assert libraries and any("/share/licences/" in n for n in names)


def test_package_says_what_it_needs_and_how_it_runs(dist, tmp_path):
    deb = next(dist.glob("hearth_*.deb"))
    field = lambda name: subprocess.run(["dpkg-deb", "-f", deb, name], capture_output=True, text=True, check=True).stdout.strip()
    depends = field("Depends")
    for package in ("libc6 (>=", "libgit2-1.5", "libcurl4", "libsqlite3-0", "libpq5", "libqrencode4", "git", "ca-certificates"):
        assert package in depends
    assert "${" not in depends and "-dev" not in depends
    tree = tmp_path / "tree"
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    for script in ("postinst", "prerm", "postrm"):
        subprocess.run(["sh", "-n", tree / "DEBIAN" / script], check=True)
    assert (tree / "DEBIAN/conffiles").read_text() == "/etc/default/hearth\n"
    assert os.readlink(tree / "usr/bin/hearth") == "../lib/hearth/bin/hearth"
    assert os.access(tree / "usr/lib/hearth/bin/hearth-hook", os.X_OK)  # without it the hub takes no pushes
    if (build / "web").is_dir():
        assert (tree / "usr/lib/hearth/web/manifest.json").exists()
    # Nothing refers to the folder it was built in.
    for file in [tree / "usr/lib/hearth/bin/hearth", *(tree / "usr/lib/hearth/lib").glob("*.so")]:
        header = subprocess.run(["objdump", "-p", file], capture_output=True, text=True, check=True).stdout
        paths = re.search(r"(?:RPATH|RUNPATH)\s+(\S+)", header)[1]
        assert set(paths.split(":")) <= {"$ORIGIN", "$ORIGIN/../lib"}, (file, paths)
    unit = (tree / "lib/systemd/system/hearth.service").read_text()
    program = re.search(r"ExecStart=(\S+)", unit)[1]
    assert (tree / program.lstrip("/")).exists() and "User=hearth" in unit
    page = subprocess.run(["gzip", "-dc", tree / "usr/share/man/man1/hearth.1.gz"], capture_output=True, text=True, check=True).stdout
    assert ".TH HEARTH 1" in page and ".SS hearth serve" in page and "--tls-cert" in page
