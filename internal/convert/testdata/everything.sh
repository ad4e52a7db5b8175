# Every option of disk-image-create, and variables in the place of some.
export FS_TYPE=xfs TMP_DIR=/var/build DIB_DEBUG_TRACE=1 ROOT_LABEL=unused DIB_QUIET=1
disk-image-create -x -u -c -n -a aarch64 -o images/all.qcow2 -t qcow2,raw,vhd -p vim,curl -p git \
  --checksum --image-size 5.5 --image-extra-size 100 --image-cache /cache --max-online-resize 274877906944 \
  --min-tmpfs 4 --mkfs-journal-size 32 --mkfs-options "-m 1 -O ^metadata_csum" --no-tmpfs --offline \
  --qemu-img-options cluster_size=2M,lazy_refcounts=on --root-label my-root --ramdisk-element ramdisk \
  --install-type package --docker-target me/all --logfile all.log debian-minimal vm -- block-device-efi
