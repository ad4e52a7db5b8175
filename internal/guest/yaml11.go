// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// The plain scalars of YAML 1.1 that are not strings, as yaml.org's type
// repository defines them. Elements are written for a 1.1 reader: "no" is a
// boolean there, 0700 is octal and 1:30 counts in sixties.
var (
	yamlBool = regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)
	yamlTrue = regexp.MustCompile(`^(?i:yes|true|on)$`)
	yamlNull = regexp.MustCompile(`^(?:~|null|Null|NULL|)$`)
	yamlInt  = regexp.MustCompile(`^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	// A float needs a point and, with an exponent, the exponent's sign.
	yamlFloat = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	// A date alone has two digits for month and day; before a time one may do.
	yamlDate = regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$`)
)

// maxValues bounds what aliases may blow a small file up to.
const maxValues = 20_000

// parseYAML reads the first document of a YAML 1.1 text. An empty text is null.
func parseYAML(doc []byte) (value, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(doc, &root); err != nil {
		return value{}, err
	}
	if root.Kind == 0 {
		return value{kind: kindNull, text: "None"}, nil
	}
	b := yamlBuilder{left: maxValues}
	return b.build(root.Content[0], 0)
}

type yamlBuilder struct{ left int }

func (b *yamlBuilder) build(n *yaml.Node, depth int) (value, error) {
	v, err := b.buildNode(n, depth)
	v.line = n.Line
	return v, err
}

func (b *yamlBuilder) buildNode(n *yaml.Node, depth int) (value, error) {
	if b.left--; b.left < 0 || depth > maxDepth {
		return value{}, fmt.Errorf("line %d: the document is too large or nested too deeply", n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return b.build(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := value{kind: kindList}
		for _, item := range n.Content {
			v, err := b.build(item, depth+1)
			if err != nil {
				return value{}, err
			}
			list.items = append(list.items, v)
		}
		return list, nil
	case yaml.MappingNode:
		return b.buildMap(n, depth)
	case yaml.ScalarNode:
		return scalar(n), nil
	}
	return value{}, fmt.Errorf("line %d: unexpected kind of YAML node", n.Line)
}

// buildMap puts what "<<" merges in first, so that explicit keys win.
func (b *yamlBuilder) buildMap(n *yaml.Node, depth int) (value, error) {
	m := value{kind: kindMap}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			if err := b.merge(&m, n.Content[i+1], depth); err != nil {
				return value{}, err
			}
		}
	}
	explicit := value{kind: kindMap}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			continue
		}
		key, err := b.build(n.Content[i], depth+1)
		if err != nil {
			return value{}, err
		}
		if key.kind >= kindList {
			return value{}, fmt.Errorf("line %d: %s cannot be a key", n.Content[i].Line, key.kind)
		}
		val, err := b.build(n.Content[i+1], depth+1)
		if err != nil {
			return value{}, err
		}
		if explicit.put(key, val) {
			m.twice = append(m.twice, key)
		}
		m.put(key, val)
	}
	return m, nil
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
}

func (b *yamlBuilder) merge(into *value, n *yaml.Node, depth int) error {
	from, err := b.build(n, depth+1)
	if err != nil {
		return err
	}
	sources := []value{from}
	if from.kind == kindList {
		sources = from.items
	}
	// The first of several sources wins, so it is put last.
	for i := len(sources) - 1; i >= 0; i-- {
		if sources[i].kind != kindMap {
			return fmt.Errorf("line %d: only maps can be merged with <<", n.Line)
		}
		for _, p := range sources[i].pairs {
			into.put(p.key, p.value)
		}
	}
	return nil
}

// scalar gives a scalar its YAML 1.1 type.
func scalar(n *yaml.Node) value {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	if n.Style&quoted != 0 {
		return value{kind: kindString, text: n.Value}
	}
	if n.Style&yaml.TaggedStyle != 0 {
		if n.ShortTag() == "!!str" {
			return value{kind: kindString, text: n.Value}
		}
		return value{kind: kindOther, text: n.Value}
	}
	return plain(n.Value)
}

// plain resolves an unquoted scalar.
func plain(text string) value {
	switch {
	case yamlNull.MatchString(text):
		return value{kind: kindNull, text: "None"}
	case yamlBool.MatchString(text):
		return boolean(yamlTrue.MatchString(text))
	case yamlInt.MatchString(text), yamlFloat.MatchString(text):
		return number(text)
	case yamlDate.MatchString(text):
		return value{kind: kindOther, text: text}
	}
	return value{kind: kindString, text: text}
}

func boolean(b bool) value {
	if b {
		return value{kind: kindBool, text: "True"}
	}
	return value{kind: kindBool, text: "False"}
}

// number resolves what is known to be a number, of JSON or of YAML 1.1.
func number(text string) value {
	digits := strings.ReplaceAll(text, "_", "")
	if n, err := integer(digits); err == nil {
		return value{kind: kindInt, text: n}
	}
	f, err := float(digits)
	if err != nil {
		return value{kind: kindOther, text: text}
	}
	return value{kind: kindFloat, text: pythonFloat(f)}
}

// integer returns a YAML 1.1 integer in decimal.
func integer(digits string) (string, error) {
	sign, body := "", strings.TrimPrefix(digits, "+")
	if rest, ok := strings.CutPrefix(body, "-"); ok {
		sign, body = "-", rest
	}
	if strings.ContainsRune(body, ':') {
		return sixtiesInteger(sign, body)
	}
	base := 10
	switch {
	case strings.HasPrefix(body, "0x"):
		base, body = 16, body[2:]
	case strings.HasPrefix(body, "0b"):
		base, body = 2, body[2:]
	case len(body) > 1 && body[0] == '0':
		base, body = 8, body[1:]
	}
	n, ok := new(big.Int).SetString(sign+body, base)
	if !ok {
		return "", errors.New("not an integer")
	}
	return n.String(), nil
}

// sixtiesInteger is sixties for integers, which Python keeps exact.
func sixtiesInteger(sign, body string) (string, error) {
	sum, sixty := new(big.Int), big.NewInt(60)
	for part := range strings.SplitSeq(body, ":") {
		n, ok := new(big.Int).SetString(part, 10)
		if !ok {
			return "", errors.New("not an integer")
		}
		sum.Add(sum.Mul(sum, sixty), n)
	}
	if sign == "-" {
		sum.Neg(sum)
	}
	return sum.String(), nil
}

func float(digits string) (float64, error) {
	lower := strings.ToLower(digits)
	switch strings.TrimLeft(lower, "+-") {
	case ".inf":
		return math.Inf(1 - 2*strings.Count(lower, "-")), nil
	case ".nan":
		return math.NaN(), nil
	}
	if strings.ContainsRune(digits, ':') {
		f, err := sixties(strings.TrimLeft(digits, "+-"))
		if strings.HasPrefix(digits, "-") {
			f = -f
		}
		return f, err
	}
	return strconv.ParseFloat(digits, 64)
}

// sixties sums up a sexagesimal number, "1:30" being 90.
func sixties(body string) (float64, error) {
	sum := 0.0
	for part := range strings.SplitSeq(body, ":") {
		f, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return 0, err
		}
		sum = sum*60 + f
	}
	return sum, nil
}

// pythonFloat writes a number as Python's str() does: the shortest digits, at
// least one after the point, an exponent from 1e16 on and below 1e-4.
func pythonFloat(f float64) string {
	abs := math.Abs(f)
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	case abs != 0 && (abs < 1e-4 || abs >= 1e16):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.ContainsRune(text, '.') {
		text += ".0"
	}
	return text
}
