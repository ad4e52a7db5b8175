// SPDX-License-Identifier: MPL-2.0

package nocloud

import "github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/schema"

// MaxSize is the largest document Check accepts, in bytes, after
// decompression. NoCloud itself has no limit; a document of this size is a
// mistake (an image, a package) that cloud-init would read into memory at each boot.
const MaxSize = 16 << 20

// Document is one of a seed's texts and where it came from.
type Document struct {
	// Attribute is the attribute that named the document, for messages.
	Attribute string
	// Source is the file it was read from; empty if it was given in place.
	Source string
	// Added are lines at the beginning of Text that the source has not.
	Added int
	// Generated means that no person wrote the text, and messages name no lines of it.
	Generated bool
	// Text is the content. Nil means that the document was not given, which
	// is not the same as an empty one.
	Text []byte
}

// Given says whether there is such a document at all.
func (d Document) Given() bool { return d.Text != nil }

// Seed is what cloud-init's NoCloud datasource is to be told.
type Seed struct {
	UserData, MetaData, NetworkConfig, VendorData Document
	// Parts are further parts of user-data, which come after UserData. Several
	// are made one by MIME, and their cloud-configs are merged by AppendLists.
	Parts []Part
	// Compress compresses user-data by gzip.
	Compress bool
	// Meta are further keys of meta-data.
	Meta map[string]string
	// InstanceID is the identity of the machine to cloud-init: a new one means
	// a new machine, on which everything runs again. If it is empty and
	// meta-data has none either, it is derived from the whole seed.
	InstanceID string
	// RandomID says that InstanceID was made at random.
	RandomID bool
	// Hostname becomes local-hostname in meta-data; empty adds nothing.
	Hostname string
	// CustomKeys are top-level keys of cloud-config that modules of the user's own
	// read; Check knows them.
	CustomKeys []string
	// PlainPasswords allows passwords that can be read in the documents.
	PlainPasswords bool
	// Raw takes user-data and vendor-data as they are where they begin with no
	// header that cloud-init knows: they are for another reader, who judges them.
	Raw bool
}

// Check reads the whole seed as cloud-init would and returns all that is wrong
// with it. A seed without errors can be rendered.
func (s Seed) Check() Problems { return s.CheckFor(schema.Version{}) }

// CheckFor is Check for the version of cloud-init that will read the seed: it warns of
// what that one does not know yet, or not any more.
func (s Seed) CheckFor(target schema.Version) Problems {
	var out Problems
	options := schema.Options{Target: target, OwnKeys: s.CustomKeys, PlainPasswords: s.PlainPasswords}
	check := func(d Document, judge func(reporter)) {
		if d.Given() {
			r := newReporter(d, &out)
			r.options, r.raw = options, s.Raw
			judge(r)
		}
	}
	check(s.UserData, func(r reporter) { r.userData(s.UserData.Text) })
	check(s.VendorData, func(r reporter) { r.userData(s.VendorData.Text) })
	for _, p := range s.Parts {
		check(p.Document, func(r reporter) { r.onePart(p) })
	}
	s.checkMerge(&out)
	check(s.MetaData, s.checkMetaData)
	check(s.NetworkConfig, func(r reporter) { r.networkConfig(s.NetworkConfig.Text) })
	s.checkNames(&out)
	return out
}

// onePart checks one part of user-data, which may have been declared to be of a type.
func (r reporter) onePart(p Part) {
	if p.Type == "" {
		r.userData(p.Text)
	} else if r.plainText(p.Text) {
		r.declaredPart(string(p.Text), kind(p.Type))
	}
}
