// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/fat"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/media"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// contents fills the partition for the seed.
func (s carriedSeed) contents(epoch *time.Time) map[string]*fat.Node {
	if !s.partition {
		return nil
	}
	return map[string]*fat.Node{layout.SeedVolume: media.Tree(s.rendered.Files, timeOf(epoch))}
}

// outputs write the volumes beside the image.
func (s carriedSeed) outputs(image string, epoch *time.Time) (outputs []pipeline.Output) {
	for _, format := range s.media {
		outputs = append(outputs, pipeline.Output{
			Name: seedFile(image, format),
			Write: func(ctx context.Context, path string) error {
				return media.Write(ctx, path, format, s.rendered.Files, timeOf(epoch))
			},
		})
	}
	return outputs
}

func timeOf(epoch *time.Time) time.Time {
	if epoch == nil {
		return media.Epoch
	}
	return *epoch
}
