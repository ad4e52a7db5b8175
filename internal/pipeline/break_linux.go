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
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

// stops tells whether the build has yet to stop before or after a phase.
func (b *Build) stops(phase hook.Phase) bool {
	return slices.ContainsFunc([]string{before(phase), after(phase)}, func(point string) bool {
		return slices.Contains(b.opt.Breaks, point) && !b.stopped[point]
	})
}

// stopAt lets a person, or break_cmd, look at the build where break asks for
// it. At each point but after-error a build stops once, however often its step
// is tried. The hooks are visible in the tree if the phase runs there.
func (b *Build) stopAt(ctx context.Context, phase hook.Phase, point string) error {
	if !slices.Contains(b.opt.Breaks, point) || b.stopped[point] {
		return nil
	}
	var err error
	if b.user()["break_cmd"] != "" {
		err = b.runBreakCommand(ctx, phase, point)
	} else {
		err = b.pauseAt(ctx, phase, point)
	}
	if err != nil {
		return fmt.Errorf("stopping at %s: %w", point, err)
	}
	b.stopped[point] = point != afterError
	return nil
}

// tryHooks runs hooks and stops at after-error if one fails.
func (b *Build) tryHooks(ctx context.Context, phase hook.Phase, names []string) error {
	err := b.runHooks(ctx, phase, names)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if stopErr := b.stopAt(ctx, phase, afterError); stopErr != nil {
		return errors.Join(err, stopErr)
	}
	return err
}

// runBreakCommand runs break_cmd where the hooks of the phase run, or on the
// host if break_outside_target is set. The command may hold secrets: it is
// neither shown nor an argument of a program.
func (b *Build) runBreakCommand(ctx context.Context, phase hook.Phase, point string) error {
	if b.user()["break_outside_target"] != "" {
		phase.Where = hook.Host
	}
	place := "on the host"
	if phase.Where == hook.Chroot {
		place = "in the image"
	}
	b.opt.Report.Say(fmt.Sprintf("%s: running break_cmd %s", point, place))
	out := &output{report: b.opt.Report}
	c := b.shell(phase)
	c.Args = []string{"-c", `eval "$break_cmd"`}
	c.Stdout, c.Stderr = out, out
	err := b.opt.Runner.Run(ctx, c)
	out.flush()
	var exit *command.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return fmt.Errorf("break_cmd failed with exit status %d", exit.Status)
	}
	return err
}

// errNobody says that a build would stop for nobody.
var errNobody = errors.New("there is nobody to wait for; set break_cmd")

// pauseAt waits for a person, who gets a way in.
func (b *Build) pauseAt(ctx context.Context, phase hook.Phase, point string) (err error) {
	if b.opt.Pause == nil {
		return errNobody
	}
	script := filepath.Join(b.dirs.build, "break")
	text, err := b.breakScript(phase)
	if err != nil {
		return err
	}
	// Its variables may be secret.
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the environment of the hooks: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(script)) }()
	return b.opt.Pause(ctx, Pause{
		Point: point, Phase: strings.TrimPrefix(phase.Name, "."),
		Entrance: fromOutside(command.Command{Path: "bash", Args: []string{script}}),
	})
}

var bashName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// breakScript is a bash script that becomes a shell like those in which hooks of
// the phase run: same environment, directory and root directory.
func (b *Build) breakScript(phase hook.Phase) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	shell := command.Command{Path: "bash"}
	if inner := shellOf(b.dirs.mount); phase.Where == hook.Chroot && inner != "" {
		dir, shell = "/", command.Command{Path: "chroot", Args: []string{b.dirs.mount, inner}}
	}
	var text strings.Builder
	text.WriteString("for name in $(compgen -e); do [ \"$name\" = TERM ] || unset \"$name\"; done\n")
	for _, entry := range b.shell(phase).Env {
		name, value, _ := strings.Cut(entry, "=")
		if function, ok := strings.CutSuffix(strings.TrimPrefix(name, "BASH_FUNC_"), "%%"); ok && bashName.MatchString(function) {
			fmt.Fprintf(&text, "%s %s\nexport -f %s\n", function, value, function)
		} else if bashName.MatchString(name) {
			text.WriteString(command.Command{Path: "export", Args: []string{entry}}.String() + "\n")
		}
	}
	fmt.Fprintf(&text, "%s\nexec %s\n", command.Command{Path: "cd", Args: []string{dir}}, shell)
	return text.String(), nil
}
