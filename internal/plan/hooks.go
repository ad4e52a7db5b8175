// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

// noteHooks tells what of the merged tree was probably meant otherwise.
func (p *Plan) noteHooks() {
	dirs := []string{hook.EnvironmentDir, hook.FirstBootDir}
	for _, phase := range hook.Phases() {
		dirs = append(dirs, phase.Name)
	}
	for _, dir := range dirs {
		for _, i := range p.Hooks.Ignored(dir) {
			if p.looksLikeHook(i) {
				p.Notes = append(p.Notes, fmt.Sprintf("%s of element %s is ignored: %s (%s)", i.Path, i.Element, i.Reason, i.Source))
			}
		}
	}
	for _, o := range p.Hooks.Overwritten() {
		p.Notes = append(p.Notes, fmt.Sprintf("%s of element %s is not used, as element %s has a file of that name; rename one of them", o.Path, o.Lost, o.Element))
	}
	p.noteMisnamed(dirs)
}

// looksLikeHook tells whether a file that will not run was probably meant to.
// Data files beside hooks are usual, so only those count that have a number in
// front, or that lack nothing but the execute bit.
func (p *Plan) looksLikeHook(i hook.Ignored) bool {
	if i.Name[0] >= '0' && i.Name[0] <= '9' {
		return true
	}
	content, err := p.Hooks.ReadFile(i.Path)
	return err == nil && !i.Executable && bytes.HasPrefix(content, []byte("#!")) && !strings.Contains(i.Name, ".")
}

// noteMisnamed tells of directories that differ by a letter or two from one that
// means something: nothing else would say that their scripts never run.
func (p *Plan) noteMisnamed(dirs []string) {
	for _, e := range p.Hooks.Entries() {
		if !e.Mode.IsDir() || path.Dir(e.Path) != "." || slices.Contains(dirs, e.Path) {
			continue
		}
		for _, dir := range dirs {
			if d := levenshtein.Distance(e.Path, dir, nil); d <= len(dir)/6 {
				p.Notes = append(p.Notes, fmt.Sprintf("%s of element %s means nothing to a build; is it %s? (%s)", e.Path, e.Element, dir, e.Source))
			}
		}
	}
}
