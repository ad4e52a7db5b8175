// SPDX-License-Identifier: MPL-2.0

package nocloud

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
	// Hostname becomes local-hostname in meta-data; empty adds nothing.
	Hostname string
}

// Check reads the whole seed as cloud-init would and returns all that is wrong
// with it. A seed without errors can be rendered.
func (s Seed) Check() Problems {
	var out Problems
	for _, d := range []Document{s.UserData, s.VendorData} {
		if d.Given() {
			newReporter(d, &out).userData(d.Text)
		}
	}
	for _, p := range s.Parts {
		newReporter(p.Document, &out).onePart(p)
	}
	s.checkMerge(&out)
	if s.MetaData.Given() {
		s.checkMetaData(newReporter(s.MetaData, &out))
	}
	if s.NetworkConfig.Given() {
		newReporter(s.NetworkConfig, &out).networkConfig(s.NetworkConfig.Text)
	}
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
