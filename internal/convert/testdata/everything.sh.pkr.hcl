# Made by "packer-plugin-diskimage convert" of calls of disk-image-create.

packer {
  required_plugins {
    diskimage = {
      source  = "github.com/seed-736dd801/diskimage"
      version = ">= 0.1.0"
    }
  }
}

# testdata/everything.sh:3: disk-image-create -x -u -c -n -a aarch64 -o images/all.qcow2 -t qcow2,raw,vhd -p vim,curl -p git --checksum --image-size 5.5 --image-extra-size 100 --image-cache /cache --max-online-resize 274877906944 --min-tmpfs 4 --mkfs-journal-size 32 --mkfs-options '-m 1 -O ^metadata_csum' --no-tmpfs --offline --qemu-img-options cluster_size=2M,lazy_refcounts=on --root-label my-root --ramdisk-element ramdisk --install-type package --docker-target me/all --logfile all.log debian-minimal vm -- block-device-efi
# note: DIB_QUIET is left out: what is shown is packer's to say
# note: ROOT_LABEL is left out: disk-image-create resets it, so it never had an effect
# note: -a aarch64 is written as Debian has it: arm64
# not the same: -t vhd: the image format "vhd" is not available: it comes with a later version; until then "qemu-img convert" makes it of the raw image; available are qcow2 and raw
# note: --checksum: the post-processor writes the sums of all formats into one file for each algorithm
# note: --image-extra-size is MiB, as DIB_IMAGE_EXTRA_SIZE always was, although the help of disk-image-create says GB
# note: --min-tmpfs is gone: a tmpfs is used if 4 GiB of memory are available; tmpfs = "always" or "never" says otherwise
# note: -c is gone: it never worked in disk-image-create; hooks get packer's environment, and "env -i" in front of packer makes that an empty one
# note: --logfile is packer's to do: PACKER_LOG=1 PACKER_LOG_PATH=all.log packer build …, or a pipe to tee
# note: --docker-target is gone, as there is no format docker
# note: --ramdisk-element is gone: it is for ramdisk-image-create, and without effect here
source "diskimage" "all_qcow2" {
  elements          = ["debian-minimal", "vm", "block-device-efi"]
  packages          = ["vim", "curl", "git"]
  architecture      = "arm64"
  skip_base         = true
  install_type      = "package"
  output_directory  = "images"
  image_name        = "all.qcow2"
  formats           = ["qcow2", "raw"]
  qcow2_compression = "none"
  qemu_img_options = {
    cluster_size   = "2M"
    lazy_refcounts = "on"
  }
  disk_size             = "5.5G"
  image_extra_size      = "100M"
  mkfs_journal_size     = "32M"
  root_fs               = "xfs"
  root_label            = "my-root"
  mkfs_options          = ["-m", "1", "-O", "^metadata_csum"]
  max_online_resize     = 274877906944
  work_directory        = "/var/build"
  tmpfs                 = "never"
  image_cache_directory = "/cache"
  offline               = true
  environment = {
    DIB_DEBUG_TRACE = "2"
  }
}

build {
  sources = ["source.diskimage.all_qcow2"]

  post-processor "checksum" {
    checksum_types = ["md5", "sha256"]
    output         = "${build.OutputDirectory}/all.qcow2.{{ .ChecksumType }}"
  }
}
