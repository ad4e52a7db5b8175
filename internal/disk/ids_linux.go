// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// derive returns 16 bytes that depend on the seed and the purpose only.
func derive(seed []byte, purpose string) [16]byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(seed))))
	h.Write(seed)
	h.Write([]byte(purpose))
	return [16]byte(h.Sum(nil))
}

// deriveUUID is a UUID in lower case, marked as random (version 4).
func deriveUUID(seed []byte, purpose string) string {
	b := derive(seed, "uuid "+purpose)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// deriveNumber is a 32-bit identifier other than 0.
func deriveNumber(seed []byte, purpose string) uint32 {
	b := derive(seed, "number "+purpose)
	return binary.LittleEndian.Uint32(b[:4]) | 1
}
