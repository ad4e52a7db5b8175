// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/elements"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// evaluate plans an image of the elements built in and those given as files of a
// search path, and evaluates their environment files.
func evaluate(t *testing.T, ctx context.Context, files map[string]string, extra Environment, wanted ...string) (Evaluation, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	caller := Environment{"PATH": os.Getenv("PATH"), "HOME": "/nowhere", "FROM_CALLER": "yes"}
	made, err := plan.Make(elements.FS(), plan.Request{Elements: wanted, ElementPaths: []string{dir}, Architecture: "amd64",
		Environment: caller.With(extra), RootFS: "ext4"}, plan.Inventory{})
	if err != nil {
		t.Fatal(err)
	}
	return Evaluate(ctx, Options{Plan: made, Caller: caller, Extra: extra, Helper: os.Args[0], Runner: command.Host{}})
}

func TestEvaluateSourcesTheFilesOfElements(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	files := map[string]string{
		"os/element-provides":       "operating-system\n",
		"os/environment.d/10-os":    "export DISTRO_NAME=mine DIB_RELEASE=${DIB_RELEASE:-stable} DIB_INIT_SYSTEM=systemd\n",
		"app/environment.d/20-app":  "export APP=$DISTRO_NAME-$DIB_RELEASE-$ARCH-$FROM_CALLER\nexport TYPE=$DIB_DEFAULT_INSTALLTYPE\nexport APP_TEXT=$'two\\nlines'\nlocal_only=1\n",
		"app/environment.d/30-home": "touch \"$HOME/home\" \"$TMPDIR/tmp\" \"$DIB_IMAGE_CACHE/cache\"\nexport AT_HOME=$(cd; ls) SUDO=$(command -v sudo >/dev/null && echo there)\n",
	}
	found, err := evaluate(t, t.Context(), files, Environment{"DIB_RELEASE": "next", "DIB_DEFAULT_INSTALLTYPE": "package"}, "os", "app", "vm")
	if err != nil {
		t.Fatal(err)
	}
	want := Environment{"DISTRO_NAME": "mine", "DIB_INIT_SYSTEM": "systemd", "APP": "mine-next-amd64-yes", "TYPE": "package",
		"APP_TEXT": "two\nlines", "AT_HOME": "home", "SUDO": "there"}
	for name, value := range want {
		if found.Set[name] != value || found.Environment[name] != value {
			t.Errorf("%s: set %q, environment %q, want %q", name, found.Set[name], found.Environment[name], value)
		}
	}
	for _, name := range []string{"DIB_RELEASE", "ARCH", "FROM_CALLER", "local_only", "SHLVL", "HOME", "PATH"} {
		if value, ok := found.Set[name]; ok {
			t.Errorf("%s=%q is said to be set", name, value)
		}
	}
	if found.Set["DIB_BLOCK_DEVICE"] != "mbr" {
		t.Errorf("the built-in elements' files were not sourced: %v", found.Set)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

func TestEvaluateNamesTheFileThatFails(t *testing.T) {
	_, err := evaluate(t, t.Context(), map[string]string{
		"os/element-provides": "operating-system\n", "os/environment.d/10-os": "export DIB_INIT_SYSTEM=systemd\n",
		"app/environment.d/20-app": "echo what is wrong >&2\nexport A=$NOT_THERE\n",
	}, nil, "os", "app")
	var failed *HookError
	if !errors.As(err, &failed) || failed.Name != "20-app" || failed.Element != "app" || !failed.Sourcing {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"sourcing environment.d/20-app of element \"app\"", "/app/environment.d/20-app", "what is wrong", "NOT_THERE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestEvaluateEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := evaluate(t, ctx, map[string]string{
		"os/element-provides": "operating-system\n", "os/environment.d/10-os": "sleep 1000\n",
	}, nil, "os")
	if err == nil || ctx.Err() == nil {
		t.Errorf("%v", err)
	}
}

func TestEvaluateIsTheSameEveryTime(t *testing.T) {
	files := map[string]string{"os/element-provides": "operating-system\n", "os/environment.d/10-os": "export DIB_INIT_SYSTEM=systemd A=b\n"}
	first, err := evaluate(t, t.Context(), files, nil, "os")
	if err != nil {
		t.Fatal(err)
	}
	again, err := evaluate(t, t.Context(), files, nil, "os")
	if diff := cmp.Diff(first.Set, again.Set); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}
