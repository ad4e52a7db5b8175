// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"fmt"
	"os"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
)

// Names of the element that lays a disk out by a script of sfdisk, and of the
// variable that holds it.
const (
	sfdiskElement  = "partitioning-sfdisk"
	sfdiskVariable = "DIB_PARTITIONING_SFDISK_SCHEMA"
)

// layout is that of partitioning-sfdisk if that element is used, or else the
// chosen document's. DIB_BLOCK_DEVICE_CONFIG goes before either.
func (p *Plan) layout() (*layout.Layout, string, error) {
	r := p.request
	element, used := p.Set.Find(sfdiskElement)
	if !used || !element.Builtin {
		return r.layout(p.candidates())
	}
	if strings.TrimSpace(r.Environment["DIB_BLOCK_DEVICE_CONFIG"]) != "" {
		p.Notes = append(p.Notes, sfdiskVariable+" has no effect: DIB_BLOCK_DEVICE_CONFIG lays out the disk")
		return r.layout(p.candidates())
	}
	rival, err := layout.Select("", r.Architecture, p.candidates(), os.ReadFile)
	if err != nil {
		return nil, "", &AttributeError{"elements", err}
	}
	if rival.From != "" {
		return nil, "", &AttributeError{"elements", fmt.Errorf("element %s (%s) and %s both lay out the disk: do without one of them",
			sfdiskElement, sfdiskVariable, rival.From)}
	}
	defaults, err := r.layoutDefaults()
	if err != nil {
		return nil, "", err
	}
	script := r.Environment[sfdiskVariable]
	if strings.TrimSpace(script) == "" {
		script = layout.DefaultSfdisk
	}
	wanted, err := layout.ParseSfdisk(script, r.Architecture, defaults)
	if err != nil {
		return nil, "", layoutMistake("environment ("+sfdiskVariable+")", fmt.Errorf("element %s: %w", sfdiskElement, err))
	}
	return wanted, sfdiskVariable, nil
}
