// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	sdkcommunicator "github.com/hashicorp/packer-plugin-sdk/communicator"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/hashicorp/packer-plugin-sdk/multistep/commonsteps"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// run carries the plan out.
func (b *Builder) run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook, made *plan.Plan) (artifact packersdk.Artifact, err error) {
	helper, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this plugin's own file: %w", err)
	}
	sayLines(ui, made.Text())
	build := pipeline.New(pipeline.Options{
		Plan:        made,
		Caller:      b.request.caller,
		Extra:       b.config.Environment,
		Offline:     b.config.Offline,
		InstallType: b.config.InstallType,
		WorkParent:  absolute(b.request.work),
		Force:       b.config.PackerForce,
		Time:        b.request.epoch,
		Contents:    b.request.seed.contents(b.request.epoch),
		Outputs:     b.request.seed.outputs(b.config.ImageName, b.request.epoch),
		Breaks:      b.request.breaks,
		Pause:       pauseForPerson(ui),
		Helper:      helper,
		Report:      &reporter{ui: ui},
		Runner:      command.Host{},
		Verbose:     !slices.Contains([]string{"", "0"}, os.Getenv("PACKER_LOG")),
	})
	state := newState(ui, hook)
	if b.config.PackerOnError == "ask" {
		state.Put(entranceKey, build.Entrance)
	}
	runner := commonsteps.NewRunnerWithPauseFn(b.steps(build), b.config.PackerConfig, ui, state)
	if debug, ok := runner.(*multistep.DebugRunner); ok {
		debug.PauseFn = pauseWithEntrance(ui, build)
		state.Put("pauseFn", debug.PauseFn)
	}
	runner.Run(ctx, state)
	sayLines(ui, pipeline.Summary(build.Timings()))
	return b.finish(ctx, ui, build, state)
}

func newState(ui packersdk.Ui, hook packersdk.Hook) *multistep.BasicStateBag {
	state := new(multistep.BasicStateBag)
	state.Put("ui", ui)
	state.Put("hook", hook)
	// Provisioners ask for the type of the connection; without one some crash.
	state.Put("communicator_config", &sdkcommunicator.Config{Type: "chroot"})
	return state
}

// pauseWithEntrance is the pause of -debug: it tells how to look into the tree,
// once for each way in.
func pauseWithEntrance(ui packersdk.Ui, build *pipeline.Build) multistep.DebugPauseFn {
	pause, way := commonsteps.MultistepDebugFn(ui), new(wayIn)
	return func(where multistep.DebugLocation, name string, state multistep.StateBag) {
		if _, cancelled := state.GetOk(multistep.StateCancelled); !cancelled {
			way.say(ui, build.Entrance())
		}
		pause(where, name, state)
	}
}

// wayIn tells the way into the tree when it is another than the last time.
type wayIn struct{ told string }

func (w *wayIn) say(ui packersdk.Ui, entrance string) {
	if entrance != w.told {
		sayEntrance(ui, entrance)
	}
	w.told = entrance
}

// sayEntrance tells the way into the tree of a build that waits, if there is one.
func sayEntrance(ui packersdk.Ui, entrance string) {
	if entrance != "" {
		sayLines(ui, "To look into the image's root file system, run in another terminal:\n    "+entrance)
	}
}

// steps are the build, from an empty directory to published files.
func (b *Builder) steps(build *pipeline.Build) []multistep.Step {
	return []multistep.Step{
		&stepPrepare{build: build},
		&stepRoot{build: build},
		&stepInstall{build: build},
		&stepGuest{build: build, data: b.generatedData},
		&StepProvision{build: build},
		&stepEndGuest{build: build},
		&stepPostInstall{build: build},
		&stepDisk{build: build},
		&stepFinalise{build: build},
		&stepRepeat{build: build},
		&stepSeal{build: build},
		&stepPublish{build: build},
	}
}

// finish releases what is left and makes the artifact, or says why there is none.
func (b *Builder) finish(ctx context.Context, ui packersdk.Ui, build *pipeline.Build, state multistep.StateBag) (packersdk.Artifact, error) {
	failed := build.Explain(failure(ctx, state))
	if failed != nil && aborted(b.config.PackerOnError, state) {
		b.keep(ctx, ui, build, failed)
	}
	sayChatter(ui, build)
	if err := build.Close(); err != nil {
		failed = errors.Join(failed, fmt.Errorf("cleaning up: %w", err))
	}
	if failed != nil {
		return nil, failed
	}
	result, ok := state.Get(resultKey).(*pipeline.Result)
	if !ok {
		return nil, errors.New("the build ended without a result")
	}
	if len(result.Files)+len(result.More) == 0 {
		// Packer says that there is no artifact and does not post-process.
		ui.Say("No image is written (element no-final-image), and hooks put no file beside it")
		return nil, nil
	}
	data, _ := state.Get("generated_data").(map[string]interface{})
	return newArtifact(result, b.config.Region, data), nil
}

// sayChatter tells where the text is of which the build showed a digest.
func sayChatter(ui packersdk.Ui, build *pipeline.Build) {
	file, err := build.SaveChatter()
	switch {
	case err != nil:
		ui.Error(err.Error())
	case file != "":
		ui.Say("All that apt and dpkg printed: " + file)
	}
}

// failure is why the steps did not come to their end, nil if they did.
func failure(ctx context.Context, state multistep.StateBag) error {
	if _, published := state.GetOk(resultKey); published {
		// Too late to cancel: the files are in their place.
		return nil
	}
	err, _ := state.Get("error").(error)
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return errors.New("the build was cancelled")
	}
	if err != nil {
		return err
	}
	if _, ok := state.GetOk(multistep.StateCancelled); ok {
		return errors.New("the build was cancelled")
	}
	if _, ok := state.GetOk(multistep.StateHalted); ok {
		return errors.New("the build was halted")
	}
	return nil
}

// aborted tells whether the user wants what is there to be left.
func aborted(onError string, state multistep.StateBag) bool {
	_, asked := state.GetOk("aborted")
	return onError == "abort" || onError == "run-cleanup-provisioner" || asked
}

// keep leaves the tree and says how to look into it. The build may have been
// cancelled, which must not cancel this.
func (b *Builder) keep(ctx context.Context, ui packersdk.Ui, build *pipeline.Build, why error) {
	kept, err := build.Keep(context.WithoutCancel(ctx), why.Error())
	if errors.Is(err, pipeline.ErrNoTree) {
		ui.Say("Nothing is kept: " + err.Error())
		return
	}
	if err != nil {
		ui.Error(fmt.Sprintf("Nothing is kept: %s", err))
		return
	}
	text := "The root file system of the failed build is kept in " + kept.Tree
	if kept.Entrance != "" {
		text += "\n  enter it:  " + kept.Entrance
	}
	sayLines(ui, text+"\n  remove it: "+command.Command{Path: "rm", Args: []string{"-rf", "--one-file-system", kept.Work}}.String())
}
