// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/guest"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

//go:embed phase.bash
var phaseProgram string

// inTarget is where hooks and helpers see the hooks tree in the chroot.
const inTarget = guest.HooksInTarget

// runPhases runs phases by name, one after the other.
func (b *Build) runPhases(ctx context.Context, names ...string) error {
	for _, name := range names {
		i := slices.IndexFunc(hook.Phases(), func(p hook.Phase) bool { return p.Name == name })
		if i < 0 {
			return fmt.Errorf("there is no phase %q", name)
		}
		if err := b.runPhase(ctx, hook.Phases()[i]); err != nil {
			return err
		}
	}
	return nil
}

// runPhase runs the hooks that are in the phase's directory now: earlier hooks
// may have added some (install types, for one).
func (b *Build) runPhase(ctx context.Context, phase hook.Phase) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.entered {
		// An earlier attempt could not take everything back.
		if err := b.leaveHooks(ctx); err != nil {
			return err
		}
	}
	left, _, err := b.hooksOf(phase)
	if err != nil || len(left) == 0 && !b.stops(phase) {
		return err
	}
	return b.inPhase(ctx, phase, func() error {
		if err := b.stopAt(ctx, phase, before(phase)); err != nil {
			return err
		}
		// Whoever looked in may have changed them.
		left, all, err := b.hooksOf(phase)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			b.opt.Report.Say(hooksLeft(phase, len(left), all))
			if err := b.tryHooks(ctx, phase, left); err != nil {
				return err
			}
		}
		return b.stopAt(ctx, phase, after(phase))
	})
}

// hooksOf lists the hooks of a phase that did not succeed yet, in run order, and
// says how many there are in all.
func (b *Build) hooksOf(phase hook.Phase) (left []string, all int, err error) {
	names, _, err := hook.ListMatching(filepath.Join(b.dirs.hooks, phase.Name), b.user()["RUN_PARTS_REGEX"])
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("listing the hooks of %s: %w", phase.Name, err)
	}
	return b.left(phase.Name, names), len(names), nil
}

// inPhase does something with the hooks visible in the tree if the phase's run
// there.
func (b *Build) inPhase(ctx context.Context, phase hook.Phase, do func() error) (err error) {
	if phase.Where == hook.Chroot {
		if err := b.enterHooks(ctx); err != nil {
			return err
		}
		// The phase is over then, cancelled or not: what it mounted has to go.
		defer func() { err = errors.Join(err, b.leaveHooks(context.WithoutCancel(ctx))) }()
	}
	return do()
}

// shell is bash as it runs the hooks of a phase.
func (b *Build) shell(phase hook.Phase) command.Command {
	env := b.hostEnvironment(phase)
	if phase.Where == hook.Chroot {
		return command.Command{Path: "/bin/bash", Root: b.dirs.mount, Env: env.chroot().List(), IgnoreSync: true}
	}
	return command.Command{Path: "bash", Env: env.List(), IgnoreSync: true}
}

// runHooks runs the given files of a phase's directory.
func (b *Build) runHooks(ctx context.Context, phase hook.Phase, names []string) error {
	environment, err := hook.ListEnvironment(filepath.Join(b.dirs.hooks, "environment.d"))
	if err != nil {
		return fmt.Errorf("listing environment.d: %w", err)
	}
	top, name := b.dirs.hooks, filepath.Join(b.dirs.library, "dib-run-parts")
	if phase.Where == hook.Chroot {
		top, name = inTarget, path.Join(inTarget, "dib-run-parts")
	}
	c := b.shell(phase)
	// Files of environment.d see upstream's program as $0.
	c.Args = append([]string{"-c", phaseProgram, name, strconv.Itoa(len(environment))},
		append(under(path.Join(top, "environment.d"), environment), under(path.Join(top, phase.Name), names)...)...)
	return b.follow(ctx, phase, c)
}

func under(dir string, names []string) []string {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = path.Join(dir, name)
	}
	return paths
}

// follow runs the phase program and reports what it tells.
func (b *Build) follow(ctx context.Context, phase hook.Phase, c command.Command) error {
	control, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making the pipe for %s: %w", phase.Name, err)
	}
	defer control.Close()
	out := &output{report: b.opt.Report, seen: b.watch(phase)}
	c.Files = []*os.File{write}
	c.Stdout, c.Stderr = out, out
	f := &follower{build: b, phase: phase, out: out}
	told, done := make(chan string, 4096), make(chan struct{})
	go listen(control, told)
	go func() {
		defer close(done)
		f.read(told, silence)
	}()
	err = b.opt.Runner.Run(ctx, c)
	// A daemon of environment.d may hold a copy of our end: the deadline ends the
	// reading then. A busy host needs more than a moment for what is in the pipe.
	err = errors.Join(err, write.Close(), control.SetReadDeadline(time.Now().Add(5*time.Second)))
	<-done
	return f.outcome(ctx, err)
}

// follower turns the lines of the phase program into reports and timings.
type follower struct {
	build   *Build
	phase   hook.Phase
	out     *output
	current string
	sourced bool
	began   time.Time
	running bool
}

// silence is how long a hook may print nothing before it is said that it still
// runs.
const silence = 10 * time.Second

// listen takes the lines off the pipe as they come, so that a slow reporter
// never makes a line miss the deadline.
func listen(control *os.File, told chan<- string) {
	defer close(told)
	lines := bufio.NewScanner(control)
	for lines.Scan() {
		told <- lines.Text()
	}
}

func (f *follower) read(told <-chan string, patience time.Duration) {
	quiet := time.NewTicker(patience)
	defer quiet.Stop()
	for {
		select {
		case line, open := <-told:
			if !open {
				return
			}
			f.heard(line)
			quiet.Reset(patience)
		case <-quiet.C:
			if f.running && !f.out.spoke() {
				f.build.opt.Report.Say(fmt.Sprintf("    %s still runs, %d s", f.current, int(time.Since(f.began).Seconds())))
			}
		}
	}
}

func (f *follower) heard(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "source":
		f.current, f.sourced = path.Base(rest), true
	case "start":
		f.start(path.Base(rest))
	case "stop":
		f.stop(strings.HasSuffix(rest, " 0"))
	}
}

func (f *follower) start(name string) {
	f.current, f.sourced, f.running, f.began = name, false, true, time.Now()
	label := f.title() + "/" + name
	if origin := f.build.origin(f.phase.Name, name); origin != "" {
		label += " [" + origin + "]"
	}
	f.build.opt.Report.Say("  " + label)
}

// title is the phase's name for people.
func (f *follower) title() string { return strings.TrimPrefix(f.phase.Name, ".") }

func (f *follower) stop(succeeded bool) {
	f.running = false
	if succeeded {
		f.out.flush()
		f.build.succeeded(f.phase.Name, f.current)
	}
	f.build.timings = append(f.build.timings, Timing{f.title(), f.current, time.Since(f.began)})
}

// outcome makes a HookError of the phase program's exit status.
func (f *follower) outcome(ctx context.Context, err error) error {
	// All that was printed has arrived by now.
	last := f.out.flush()
	var exit *command.ExitError
	if err == nil || ctx.Err() != nil || !errors.As(err, &exit) {
		return err
	}
	dir := f.phase.Name
	if f.sourced {
		dir = "environment.d"
	}
	return &HookError{
		Phase: f.title(), Name: f.current, Element: f.build.origin(dir, f.current),
		Path:   f.build.source(dir, f.current),
		Status: exit.Status, Sourcing: f.sourced, Last: last, Hint: f.build.shortage(strings.Join(last, "\n")),
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
