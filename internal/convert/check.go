// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"errors"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// checked asks the builder about the source, so that what "packer validate"
// would say is said now.
func (s *source) checked(c Command) {
	if c.Check == nil {
		return
	}
	notes, mistakes := c.Check(s.values(c))
	for _, mistake := range mistakes {
		// The template may be meant for another machine.
		if away := (*element.InvalidElementDirError)(nil); errors.As(mistake, &away) && away.Path != "" {
			s.said.add(Note, s.invocation.Where, "element_paths: there is no directory %q here, so the names of elements could not be checked", away.Path)
			continue
		}
		s.said.add(Differs, s.invocation.Where, "%v", mistake)
	}
	for _, note := range notes {
		s.said.add(Note, s.invocation.Where, "%s", note)
	}
}

// values are the attributes as packer would hand them over here and now. Those
// that need a variable that is not set are not there.
func (s *source) values(c Command) map[string]any {
	block := map[string]any{}
	for _, a := range s.attributes {
		switch v := a.value.(type) {
		case string:
			if t, ok := resolved(v, c.Directory, c.Environment); ok {
				block[a.name] = protected(t)
			}
		case []string:
			var list []string
			for _, one := range v {
				if t, ok := resolved(one, c.Directory, c.Environment); ok {
					list = append(list, protected(t))
				}
			}
			block[a.name] = list
		case []Variable:
			texts := map[string]string{}
			for _, one := range v {
				if t, ok := resolved(one.Value, c.Directory, c.Environment); ok {
					texts[one.Name] = protected(t)
				}
			}
			block[a.name] = texts
		default:
			block[a.name] = v
		}
	}
	return block
}

// sameFiles finds images that would be written to one place.
func sameFiles(sources []source) {
	first := map[string]string{}
	for i := range sources {
		var place string
		for _, a := range sources[i].attributes {
			if a.name == "output_directory" || a.name == "image_name" {
				place += a.texts()[0] + "/"
			}
		}
		if other, ok := first[place]; ok {
			sources[i].said.add(Differs, sources[i].invocation.Where,
				"%s writes the same files as %s; give one of them another image_name", sources[i].label, other)
		}
		first[place] = sources[i].label
	}
}
