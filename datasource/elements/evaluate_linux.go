// SPDX-License-Identifier: MPL-2.0

//go:build linux

package elements

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// evaluate sources environment.d and decides about packages.
func (r *result) evaluate(ctx context.Context, caller pipeline.Environment) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("evaluate: finding this program: %w", err)
	}
	found, err := pipeline.Evaluate(ctx, pipeline.Options{
		Plan: r.plan, Caller: caller, Extra: r.config.Environment, InstallType: r.config.InstallType,
		Helper: self, Runner: command.Host{},
	})
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("evaluate: sourcing environment.d took more than %s: %w; such files should set variables only", evaluationTakes, err)
	}
	if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	r.environment = &found
	r.entries, r.phases, err = r.plan.EvaluateInstalls(found.Environment.List())
	return err
}
