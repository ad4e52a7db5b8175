// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// engine is a Docker engine of this test's own, and the way to it.
type engine struct {
	t      *testing.T
	docker string // the program
	env    []string
}

// startEngine starts the engine of .ci/docker. It ends, and all its containers do,
// with the test.
func startEngine(t *testing.T, w workspace, unpacked string) engine {
	t.Helper()
	dir := filepath.Join(w.dir, filepath.Base(w.dir)+"-engine")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("testdata/machine/engine", unpacked+"/engine", dir)
	cmd.Stderr = os.Stderr
	lifeline, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		lifeline.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		removeGroups(t, filepath.Base(dir))
	})
	e := engine{t, unpacked + "/engine/usr/bin/docker", []string{"DOCKER_HOST=unix://" + dir + "/socket", "DOCKER_CONFIG=" + dir}}
	eventually(t, "Docker's engine answers", func() bool { return e.command("version").Run() == nil })
	return e
}

// removeGroups removes the control groups of an engine.
func removeGroups(t *testing.T, name string) {
	var groups []string
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		for _, below := range []string{name, name + "/*"} {
			found, err := filepath.Glob(pattern + below + "/cgroup.procs")
			if err != nil {
				t.Error(err)
			}
			groups = append(groups, found...)
		}
	}
	slices.SortFunc(groups, func(a, b string) int { return len(b) - len(a) })
	for _, group := range groups {
		if err := os.Remove(filepath.Dir(group)); err != nil {
			t.Error(err)
		}
	}
}

func (e engine) command(args ...string) *exec.Cmd {
	cmd := exec.Command(e.docker, args...)
	cmd.Env = append(os.Environ(), e.env...)
	return cmd
}

// run returns what docker says.
func (e engine) run(args ...string) string {
	e.t.Helper()
	cmd := e.command(args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		e.t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// images makes NAME of a tree and user-NAME, whose user is ann.
func (e engine) images(unpacked string, names ...string) {
	e.t.Helper()
	for _, name := range names {
		e.run("import", unpacked+"/"+name+".tar", name)
		container := strings.TrimSpace(e.run("create", name, "true"))
		e.run("commit", "--change", "USER ann", container, "user-"+name)
		e.run("rm", container)
	}
}

// filesOf are those of an archive or an image.
func (e engine) filesOf(name string) string {
	e.t.Helper()
	to := e.t.TempDir()
	archive := name
	if !filepath.IsAbs(name) {
		archive = filepath.Join(to, "archive")
		container := strings.TrimSpace(e.run("create", name, "true"))
		e.run("export", "--output", archive, container)
		e.run("rm", container)
	}
	judge(e.t, "tar", "-x", "-p", "--same-owner", "--numeric-owner", "-C", to, "-f", archive, "etc", "var", "tmp")
	return to
}

// source is a source of a template. No container has a network.
func (e engine) source(name, image, more string) string {
	return fmt.Sprintf("source \"docker\" %q {\n  image = %q\n  pull = false\n  docker_path = %q\n"+
		"  run_command = [\"-d\", \"-i\", \"-t\", \"--network\", \"none\", \"--entrypoint=/bin/sh\", \"--\", \"{{.Image}}\"]\n%s}\n", name, image, e.docker, more)
}

// TestAccRealDocker has packer put a seed into containers of a real Docker, with the
// cloud-init of Debian: files are those of the chroot. What a container has mounted
// is respected, failures say why, and Ctrl-C leaves no container.
func TestAccRealDocker(t *testing.T) {
	needPacker(t)
	unpacked := os.Getenv("DISKIMAGE_DOCKER")
	if unpacked == "" {
		t.Skip("Docker's engine and trees of Debian take minutes to get; call `make test-docker`")
	}
	w := newWorkspace(t)
	chroot := chrootsSeed(t, w)
	e := startEngine(t, w, unpacked)
	e.images(unpacked, "bookworm", "trixie")
	env := w.env(append(e.env, "PACKER_PLUGIN_PATH="+provisionerPlugins(t), "PACKER_LOG=1", "PACKER_LOG_PATH="+filepath.Join(w.dir, "log"))...)

	exported := filepath.Join(w.dir, "exported.tar")
	generalise := "\n  provisioner \"diskimage-nocloud\" {\n    only = [\"docker.trixie\"]\n    instance_id = \"i-2\"\n    generalise_operations = [\"default\", \"hostname\"]\n  }\n"
	template := twice(ourPlugin+dockerPlugin,
		e.source("bookworm", "bookworm", "  commit = true\n  tmpfs = [\"/tmp\"]\n")+e.source("trixie", "trixie", "  commit = true\n")+
			e.source("user", "user-bookworm", fmt.Sprintf("  export_path = %q\n", exported)),
		`"source.docker.bookworm", "source.docker.trixie", "source.docker.user"`,
		"    override = {\n      bookworm = { remote_folder = \"/var/tmp\" }\n      user = { execute_command = \"sudo -n sh {{ .Path }}\" }\n    }\n")
	template = strings.TrimSuffix(template, "}\n") + generalise +
		"  post-processor \"docker-tag\" {\n    except = [\"docker.user\"]\n    docker_path = \"" + e.docker + "\"\n    repository = \"seeded\"\n    tags = [source.name]\n  }\n}\n"
	status, out := runPacker(t, w.dir, env, "build", w.write("docker.pkr.hcl", template))
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	for name, from := range map[string]string{"bookworm": "seeded:bookworm", "user": exported} {
		checkTwice(t, out, "docker."+name)
		tree := e.filesOf(from)
		has := strings.Split(seededTree(t, tree), "\n")
		for _, line := range strings.Split(chroot, "\n") {
			if !slices.Contains(has, line) {
				t.Errorf("%s has not %q, but\n%s", name, line, strings.Join(has, "\n"))
			}
		}
		for _, dir := range []string{"/tmp", "/var/tmp"} {
			if left, err := os.ReadDir(tree + dir); err != nil || len(left) > 0 {
				t.Errorf("%s: left in %s are %v, %v", name, dir, left, err)
			}
		}
	}
	checkTwice(t, out, "docker.trixie")
	wantContent(t, e.filesOf("seeded:trixie")+"/etc/machine-id", "")
	for _, text := range []string{"resolv-conf left alone: /etc/resolv.conf: something is mounted there", "hostname left alone: /etc/hostname: something is mounted there",
		"Proven: the machine's own ds-identify finds the seed"} {
		if !strings.Contains(out, "docker.trixie: "+text) && !strings.Contains(out, "docker.trixie:   "+text) {
			t.Errorf("not told: %q", text)
		}
	}
	out += e.failing(w, env) + e.interrupted(w, env)
	if left := e.run("ps", "-a", "-q"); left != "" {
		t.Errorf("left are the containers %s", left)
	}
	log, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil || strings.Contains(string(log)+out, nobodySees) {
		t.Errorf("the secret is in the log or the output, or there is none: %v", err)
	}
	if t.Failed() {
		t.Log(out)
	}
}

// failing has builds fail in each way that a container has of its own.
func (e engine) failing(w workspace, env []string) string {
	e.t.Helper()
	var sources, names strings.Builder
	for _, c := range [][3]string{
		{"refused", "bookworm", ""},
		{"sudo", "user-trixie", ""},
		{"nobody", "trixie", "  exec_user = \"nobody-there\"\n"},
		{"tmpfs", "trixie", "  tmpfs = [\"/tmp\"]\n"},
	} {
		sources.WriteString(e.source(c[0], c[1], "  discard = true\n"+c[2]))
		fmt.Fprintf(&names, "\"source.docker.%s\", ", c[0])
	}
	// Debian 12's cloud-init does not know packages in this form yet.
	template := fmt.Sprintf("packer {\n  required_plugins {\n%s  }\n}\n%s\nbuild {\n  sources = [%s]\n  provisioner \"diskimage-nocloud\" {\n    user_data = %q\n  }\n}\n",
		ourPlugin+dockerPlugin, sources.String(), names.String(),
		"#cloud-config\nfqdn: "+nobodySees+".example\npackages:\n  - apt: [nginx]\n")
	status, out := runPacker(e.t, w.dir, env, "build", w.write("failing.pkr.hcl", template))
	for name, text := range map[string]string{
		"refused": "user_data, line 4, column 5: packages[0] has none of the forms that are allowed, says cloud-init 22.4",
		"sudo":    "only root can write the seed, and this runs as user 1000; set execute_command",
		"nobody":  "unable to find user nobody-there: no matching entries in passwd file; see that the communicator connects as a user whom the machine has",
		"tmpfs":   "if /tmp is on a mount that uploads do not see (a tmpfs in docker), set remote_folder",
	} {
		if status == 0 || !strings.Contains(out, text) {
			e.t.Errorf("%s: status %d, no %q:\n%s", name, status, text, out)
		}
	}
	return out
}

// interrupted presses Ctrl-C while the script runs in a container.
func (e engine) interrupted(w workspace, env []string) string {
	e.t.Helper()
	template := fmt.Sprintf("packer {\n  required_plugins {\n%s  }\n}\n%s\nbuild {\n  sources = [\"source.docker.one\"]\n  provisioner \"diskimage-nocloud\" {\n    execute_command = %q\n  }\n}\n",
		ourPlugin+dockerPlugin, e.source("one", "trixie", "  discard = true\n"), "echo >/tmp/running; sleep 600; sh {{ .Path }}")
	r := startPacker(e.t, w.dir, env, "build", w.write("interrupted.pkr.hcl", template))
	eventually(e.t, "the script runs", func() bool {
		containers := strings.Fields(e.run("ps", "-q"))
		return len(containers) == 1 && e.command("exec", containers[0], "test", "-e", "/tmp/running").Run() == nil
	})
	if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT); err != nil {
		e.t.Fatal(err)
	}
	if status := r.wait(); status == 0 {
		e.t.Errorf("the build succeeded:\n%s", r.output())
	}
	return r.output()
}
