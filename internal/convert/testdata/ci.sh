#!/bin/bash
set -eux
export ELEMENTS_PATH=$PWD/elements:~/src/elements
export DIB_BLOCK_DEVICE_CONFIG='
- local_loop:
    name: image0
- partitioning:
    base: image0
    label: mbr
    partitions:
      - name: root
        flags: [ boot, primary ]
        size: 100%
        mkfs: { mount: { mount_point: / } }
'
ELEMENTS=(debian-minimal vm)
[ -n "$DEBUG" ] && ELEMENTS+=(devuser)
export DIB_RELEASE=${DIB_RELEASE:-bookworm} DIB_X='a${b}%{c}"d{{e}}'
NOTEXPORTED=1
DIB_UNSEEN=1
: ${NAME:=web}
. ./openrc
sudo -E env http_proxy=http://p:3128 disk-image-create -o "$WORKSPACE/images/$NAME-$(date +%F)" \
   -t qcow2,vmdk "${ELEMENTS[@]}" --image-size $SIZE 2>&1 | tee log
for r in bookworm trixie; do
  DIB_RELEASE=$r disk-image-create -o deb-$r --checksum debian-minimal
done
