// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"slices"
	"strconv"
	"strings"
)

// invocations are the commands that diskimage-builder makes of entries: those
// of one image name are one image, and an entry without a name belongs to the
// one before it.
func invocations(entries []entry) []Invocation {
	var order []string
	merged := map[string]entry{}
	name := "image"
	for _, e := range entries {
		if own, ok := e.settings["imagename"]; ok {
			name = own.words[0]
		}
		first, ok := merged[name]
		if !ok {
			order = append(order, name)
			merged[name] = e
			continue
		}
		first.merge(e)
	}
	var all []Invocation
	for _, name := range order {
		all = append(all, merged[name].invocation())
	}
	return all
}

// merge lays a later entry of the same image over this one.
func (e entry) merge(later entry) {
	for _, p := range properties() {
		more, ok := later.settings[p.key]
		if !ok {
			continue
		}
		old := e.settings[p.key]
		switch p.kind {
		case list:
			more.words = slices.Concat(old.words, more.words)
		case texts:
			i := Invocation{Environment: slices.Clone(old.pairs)}
			for _, v := range more.pairs {
				i.set(v.Name, v.Value)
			}
			more.pairs = i.Environment
		}
		e.settings[p.key] = more
	}
}

func (e entry) invocation() Invocation {
	i := Invocation{Where: e.where, Program: diskProgram}
	for _, p := range properties() {
		s, ok := e.settings[p.key]
		if !ok {
			continue
		}
		switch {
		case p.key == "environment":
			i.Environment = s.pairs
		case p.key == "ramdisk":
			if len(s.words) > 0 {
				i.Program = ramdiskProgram
			}
		default:
			i.Arguments = append(i.Arguments, p.arguments(s)...)
		}
	}
	return i
}

// arguments are the options that a property becomes.
func (p property) arguments(s setting) []string {
	value := strings.Join(s.words, ",")
	switch p.kind {
	case yesNo:
		if len(s.words) == 0 {
			return nil
		}
		return []string{p.option}
	case repeated:
		times, _ := strconv.Atoi(value) // was checked
		return slices.Repeat([]string{p.option}, times)
	case list:
		if p.option == "" {
			return s.words
		}
	case texts:
		var parts []string
		for _, v := range s.pairs {
			parts = append(parts, v.Name+"="+v.Value)
		}
		value = strings.Join(parts, ",")
	}
	if value == "" {
		return nil
	}
	return []string{p.option, value}
}
