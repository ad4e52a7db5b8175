// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/media"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/seedconfig"
)

// seedMedia are the values of nocloud.media.
var seedMedia = []string{string(media.ISO), string(media.VFAT)}

const nocloudBlock = "nocloud"

// decodeNoCloud takes the block nocloud out of the template's values and decodes
// it. The SDK parses every value of a block as a Go template, and jinja is none.
func decodeNoCloud(raws []any) (block NoCloud, rest []any, err error) {
	var alone struct {
		NoCloud NoCloud `mapstructure:"nocloud"`
	}
	for _, raw := range raws {
		values, ok, err := attributesOf(raw)
		if err != nil {
			return block, nil, err
		}
		if !ok {
			rest = append(rest, raw)
			continue
		}
		if given := values[nocloudBlock]; given != nil {
			err := config.Decode(&alone, &config.DecodeOpts{PluginType: "diskimage"}, map[string]any{nocloudBlock: given})
			if err != nil {
				return block, nil, seedconfig.DecodeError(err)
			}
			alone.NoCloud.given = true
		}
		values = maps.Clone(values)
		delete(values, nocloudBlock)
		rest = append(rest, values)
	}
	return alone.NoCloud, rest, nil
}

// attributesOf is a block as a map, whichever way Packer hands it over.
func attributesOf(raw any) (values map[string]any, ok bool, err error) {
	value, ok := raw.(cty.Value)
	if !ok {
		values, ok = raw.(map[string]any)
		return values, ok, nil
	}
	text, err := ctyjson.SimpleJSONValue{Value: value}.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, &values)
	}
	return values, err == nil, err
}

var errNotCarried = errors.New("the seed would be carried by nothing: set media or partition, or use the provisioner diskimage-nocloud to put it into the image")

// carriedSeed is a seed ready to be carried.
type carriedSeed struct {
	// carried is an error if nothing carries it.
	carried   error
	rendered  nocloud.Rendered
	media     []media.Format
	partition bool
}

// readSeed checks the block nocloud, renders its seed, and says what it takes.
func (r *request) readSeed(c *Config, wrong *mistakes) {
	n := &c.NoCloud
	if !n.given {
		return
	}
	attribute := func(err error) { wrong.add(nocloudBlock, err) }
	before := len(*wrong)
	for _, err := range append(n.Interpolate(&c.ctx), n.Check()...) {
		attribute(err)
	}
	for i, name := range n.Media {
		switch {
		case !slices.Contains(seedMedia, name):
			attribute(fmt.Errorf("media: %q is none of %s%s", name, strings.Join(seedMedia, ", "), nearest.Hint(name, seedMedia)))
		case slices.Contains(n.Media[:i], name):
			attribute(fmt.Errorf("media: %q is there twice", name))
		default:
			r.seed.media = append(r.seed.media, media.Format(name))
		}
	}
	if len(n.Media) == 0 && !n.Partition.True() {
		// What only a data source will say is an empty list, or false, to validate.
		if r.seed.carried = errNotCarried; n.Media == nil && !n.Partition.False() {
			attribute(errNotCarried)
		}
	}
	if len(*wrong) > before {
		return
	}
	documents, errs := n.Seed()
	for _, err := range errs {
		attribute(err)
	}
	for _, w := range documents.Check().Warnings() {
		r.notes = append(r.notes, nocloudBlock+": "+w.Error())
	}
	rendered, err := documents.Render()
	attribute(err)
	r.seed.rendered, r.seed.partition = rendered, n.Partition.True()
	r.Seed = r.seed.plan(r.ImageName)
}

// plan is what the seed takes of disk and outputs.
func (s carriedSeed) plan(image string) (p plan.Seed) {
	if s.partition {
		p.Label, p.Bytes = media.LabelFAT, media.FATBytes(s.rendered.Files)
	}
	for _, format := range s.media {
		p.Files = append(p.Files, seedFile(image, format))
	}
	return p
}

// seedFile is the name of a volume beside the image. Its extension is none of
// those by which importers know disks.
func seedFile(image string, format media.Format) string {
	return image + "-cidata." + string(format)
}
