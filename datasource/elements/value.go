// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"reflect"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// toValue makes a value of exactly the given type. The SDK's own function makes
// null of empty lists, which for-expressions refuse; and Packer keeps data
// sources of one kind in a map, whose values must be of one type.
func toValue(v reflect.Value, t cty.Type) cty.Value {
	switch {
	case t == cty.Bool:
		return cty.BoolVal(v.Bool())
	case t.IsListType():
		items := make([]cty.Value, v.Len())
		for i := range items {
			items[i] = toValue(v.Index(i), t.ElementType())
		}
		if len(items) == 0 {
			return cty.ListValEmpty(t.ElementType())
		}
		return cty.ListVal(items)
	case t.IsMapType():
		entries := map[string]cty.Value{}
		for _, key := range v.MapKeys() {
			entries[key.String()] = toValue(v.MapIndex(key), t.ElementType())
		}
		if len(entries) == 0 {
			return cty.MapValEmpty(t.ElementType())
		}
		return cty.MapVal(entries)
	case t.IsObjectType():
		attributes := map[string]cty.Value{}
		for i := range v.NumField() {
			name := v.Type().Field(i).Tag.Get("mapstructure")
			attributes[name] = toValue(v.Field(i), t.AttributeType(name))
		}
		return cty.ObjectVal(attributes)
	}
	return cty.StringVal(strings.ToValidUTF8(v.String(), "\uFFFD"))
}
