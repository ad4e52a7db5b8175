// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package elements

import (
	"context"
	"errors"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// evaluate is refused by Configure already.
func (r *result) evaluate(context.Context, pipeline.Environment) error {
	return errors.New("evaluate: environment.d files are sourced on Linux")
}
