// SPDX-License-Identifier: MPL-2.0

// Package hclvalue makes values that templates see of Go's.
package hclvalue

import (
	"reflect"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Of makes a value of exactly the given type, of structs whose fields have
// mapstructure tags, lists, maps, texts and truths. The SDK's own function makes
// null of empty lists, which for-expressions refuse; and Packer keeps data
// sources of one kind in a map, whose values must be of one type.
func Of(value any, t cty.Type) cty.Value { return of(reflect.ValueOf(value), t) }

func of(v reflect.Value, t cty.Type) cty.Value {
	switch {
	case t == cty.Bool:
		return cty.BoolVal(v.Bool())
	case t.IsListType():
		items := make([]cty.Value, v.Len())
		for i := range items {
			items[i] = of(v.Index(i), t.ElementType())
		}
		if len(items) == 0 {
			return cty.ListValEmpty(t.ElementType())
		}
		return cty.ListVal(items)
	case t.IsMapType():
		entries := map[string]cty.Value{}
		for _, key := range v.MapKeys() {
			entries[key.String()] = of(v.MapIndex(key), t.ElementType())
		}
		if len(entries) == 0 {
			return cty.MapValEmpty(t.ElementType())
		}
		return cty.MapVal(entries)
	case t.IsObjectType():
		attributes := map[string]cty.Value{}
		for i := range v.NumField() {
			name := v.Type().Field(i).Tag.Get("mapstructure")
			attributes[name] = of(v.Field(i), t.AttributeType(name))
		}
		return cty.ObjectVal(attributes)
	}
	return cty.StringVal(strings.ToValidUTF8(v.String(), "\uFFFD"))
}
