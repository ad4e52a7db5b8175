// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

// evaluationPhase stands for extra-data.d, in which conditions of package lists
// are decided; of it only the environment is wanted.
const evaluationPhase = ".evaluation"

// Evaluate sources the environment files of a plan as a build does before the
// hooks of extra-data.d: the same files, in the same order, by the same program,
// with the variables that the builder gives. Of opt only Plan, Caller, Extra,
// Helper and Runner count.
//
// No hook runs and no root is needed, but the files are code of the elements,
// with the caller's rights. They work in a directory that is removed afterwards:
// HOME, TMPDIR, the image cache and all that the builder names lie in there, and
// they have no terminal and nothing to read.
func Evaluate(ctx context.Context, opt Options) (found Evaluation, err error) {
	dir, err := os.MkdirTemp("", "diskimage-evaluation-")
	if err != nil {
		return found, fmt.Errorf("making a directory to source environment.d in: %w", err)
	}
	defer func() {
		if failed := os.RemoveAll(dir); failed != nil {
			err = errors.Join(err, fmt.Errorf("removing what environment.d was sourced in: %w", failed))
		}
	}()
	home, tmp, cache := filepath.Join(dir, "home"), filepath.Join(dir, "tmp"), filepath.Join(dir, "cache")
	private := Environment{"HOME": home, "TMPDIR": tmp, "TMP_DIR": tmp, "DIB_LOCKFILES": filepath.Join(cache, "locks"),
		"XDG_CACHE_HOME": cache}
	opt.Caller = opt.Caller.Without("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR").With(private)
	opt.Extra, opt.Report = opt.Extra.With(private), silent{}
	b := New(opt)
	b.dirs = newDirectories(dir)
	for _, made := range []string{home, tmp, private["DIB_LOCKFILES"],
		b.dirs.hooks, b.dirs.library, b.dirs.elements, b.dirs.mount, b.dirs.image} {
		if err := os.MkdirAll(made, 0o755); err != nil {
			return found, fmt.Errorf("making a directory to source environment.d in: %w", err)
		}
	}
	if err := b.makeHooks(); err != nil {
		return found, err
	}
	b.driver = b.firstVariables().With(Environment{"DIB_IMAGE_CACHE": cache, "DIB_DEFAULT_INSTALLTYPE": b.installType()})
	if err := b.writeInstallType(); err != nil {
		return found, err
	}
	return b.printEnvironment(ctx)
}

// printer is a hook of ours that writes its environment beside itself.
const printer = `#!/bin/bash
exec >"${0%/*}/environment"
while IFS= read -r -d '' entry; do printf '%s\0' "$entry"; done </proc/self/environ
`

func (b *Build) printEnvironment(ctx context.Context) (Evaluation, error) {
	phase := hook.Phase{Name: evaluationPhase}
	dir := filepath.Join(b.dirs.hooks, phase.Name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return Evaluation{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "print"), []byte(printer), 0o755); err != nil {
		return Evaluation{}, err
	}
	if err := b.runHooks(ctx, phase, []string{"print"}); err != nil {
		return Evaluation{}, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "environment"))
	if err != nil {
		return Evaluation{}, fmt.Errorf("reading the environment: %w", err)
	}
	found := Evaluation{ParseEnvironment(strings.Split(string(text), "\x00")), Environment{}}
	before := b.hostEnvironment(phase)
	for name, value := range found.Environment {
		if was, there := before[name]; (!there || was != value) && variableName.MatchString(name) {
			found.Set[name] = value
		}
	}
	found.Set = found.Set.Without("_", "PWD", "OLDPWD", "SHLVL")
	return found, nil
}

// variableName leaves out exported functions.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// silent is the reporter of what is no build.
type silent struct{}

func (silent) Say(string)                    {}
func (silent) Output(string)                 {}
func (silent) Progress(string, int64, int64) {}
