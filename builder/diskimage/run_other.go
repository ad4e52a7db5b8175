// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package diskimage

import (
	"context"
	"errors"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// run is out of reach: the plan's problems already said that images are built
// on Linux.
func (b *Builder) run(context.Context, packersdk.Ui, packersdk.Hook, *plan.Plan) (packersdk.Artifact, error) {
	return nil, errors.New("images are built on Linux")
}
