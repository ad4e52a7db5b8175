// SPDX-License-Identifier: MPL-2.0

package seedconfig

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// problems collects what is wrong with attributes. Values do not appear in it
// where they may be secret.
type problems struct{ errs []error }

func (p *problems) add(attribute, text, advice string) {
	p.errs = append(p.errs, nocloud.Problem{Attribute: attribute, Text: text, Advice: advice})
}

// DecodeError is an error of decoding a template without the values in it, which may
// be secret. Only JSON templates have such errors: of HCL, Packer checks the types.
func DecodeError(err error) error {
	all := []error{err}
	var several interface{ WrappedErrors() []error }
	if errors.As(err, &several) {
		all = several.WrappedErrors()
	}
	for i, one := range all {
		text, _, _ := strings.Cut(one.Error(), ", value: '") // up to the end: it may have lines
		all[i] = errors.New(text)
	}
	return &packersdk.MultiError{Errors: all}
}

// form is what values of an attribute look like.
type form interface{ MatchString(string) bool }

// match checks a value that is known and not empty.
func (p *problems) match(attribute, value string, as form, text, advice string) {
	if known(value) != "" && !as.MatchString(value) {
		p.add(attribute, text, advice)
	}
}

// matchAll checks a list, whose items must not be empty.
func (p *problems) matchAll(attribute string, values []string, as form, text, advice string) {
	for i, value := range values {
		if !notKnown(value) && !as.MatchString(value) {
			p.add(fmt.Sprintf("%s[%d]", attribute, i), text, advice)
		}
	}
}

// oneOf checks a value that has to be one of some words.
func (p *problems) oneOf(attribute, value string, words ...string) {
	if known(value) != "" && !slices.Contains(words, value) {
		p.add(attribute, fmt.Sprintf("there is no %q", value), "use one of "+strings.Join(words, ", "))
	}
}

// notKnown says whether a value, or some of it, is not known yet.
func notKnown(value string) bool { return strings.Contains(value, Unknown) }

// missing is notKnown for an attribute by its name. Free text may have the word by
// itself.
func missing(leaf, value string) bool {
	if slices.Contains(freeText, leaf) {
		return value == Unknown
	}
	return notKnown(value)
}

// known is the value, or empty while it is not known.
func known(value string) string {
	if notKnown(value) {
		return ""
	}
	return value
}

// eachText visits every text of the attributes, in the order of their
// declaration: with its whole name, such as user[1].name, and the last part of it.
func (c *Config) eachText(visit func(name, leaf string, value *string)) {
	eachText(reflect.ValueOf(c).Elem(), "", "", visit)
}

func eachText(v reflect.Value, name, leaf string, visit func(name, leaf string, value *string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachText(v.Elem(), name, leaf, visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			tag, given := v.Type().Field(i).Tag.Lookup("mapstructure")
			switch {
			case !given: // not an attribute
			case tag == ",squash":
				eachText(v.Field(i), name, leaf, visit)
			default:
				eachText(v.Field(i), strings.TrimPrefix(name+"."+tag, "."), tag, visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachText(v.Index(i), fmt.Sprintf("%s[%d]", name, i), leaf, visit)
		}
	case reflect.Map:
		m, ok := v.Interface().(map[string]string)
		if !ok {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			value := m[key]
			visit(name+"."+key, leaf, &value)
			m[key] = value
		}
	case reflect.String:
		if text, ok := v.Addr().Interface().(*string); ok {
			visit(name, leaf, text)
		}
	}
}

// Unknowns names the attributes whose value is not known yet.
func (c *Config) Unknowns() (names []string) {
	c.eachText(func(name, leaf string, value *string) {
		if missing(leaf, *value) {
			names = append(names, name)
		}
	})
	return names
}

// unknown says whether some text is not known yet.
func unknown(v any) (found bool) {
	eachText(reflect.ValueOf(v).Elem(), "", "", func(_, leaf string, value *string) {
		found = found || missing(leaf, *value)
	})
	return found
}
