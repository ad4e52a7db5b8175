# A Debian cloud image that boots under BIOS and UEFI, on clouds and under QEMU.
#
#   packer build example/debian-cloud.pkr.hcl        (as root, on Linux)

packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
  }
}

variable "release" {
  type        = string
  default     = "bookworm"
  description = "Debian release: bookworm or trixie."
}

variable "output_directory" {
  type    = string
  default = "output-debian-cloud"
}

variable "ssh_public_key" {
  type        = string
  default     = ""
  description = "Key that may log in as \"demo\". Without one nobody can: there is no default password."
}

variable "build_note" {
  type        = string
  default     = "Built by Packer from diskimage-builder elements."
  description = "What the shell provisioner writes into the image."
}

variable "boot_note" {
  type        = string
  default     = "Configured by cloud-init from the NoCloud seed."
  description = "What the first boot says on the console."
}

variable "instance_id" {
  type        = string
  default     = ""
  description = "Identity of the machine to cloud-init. Without one it is derived from the seed."
}

source "diskimage" "debian" {
  elements = [
    "debian-minimal",
    "vm",                 # a bootable disk: boot loader and partitions
    "block-device-efi",   # GPT that boots under BIOS and UEFI
    "cloud-init-nocloud", # cloud-init that looks for a NoCloud seed only
    "openssh-server",
    "growroot", # the root file system grows to the disk at boot
  ]
  environment = {
    DIB_RELEASE = var.release
  }
  packages = ["sudo"]

  output_directory = var.output_directory
  image_name       = "debian-cloud"
  formats          = ["qcow2", "raw"]
}

build {
  sources = ["source.diskimage.debian"]

  # Runs inside the image's root, before the elements clean up and install the boot loader.
  provisioner "shell" {
    environment_vars = ["NOTE=${var.build_note}"]
    inline = [
      "install -d -m 0755 /etc/example",
      "printf '%s\\n' \"$NOTE\" > /etc/example/build-note",
    ]
  }

  provisioner "file" {
    source      = "${path.root}/files/motd"
    destination = "/etc/motd"
  }

  # The seed that cloud-init reads at first boot, put into the image itself.
  provisioner "diskimage-nocloud" {
    instance_id = var.instance_id
    hostname    = "debian-cloud"
    user_data   = <<-EOF
      #cloud-config
      manage_etc_hosts: true
      users:
        - name: demo
          gecos: Demo user
          shell: /bin/bash
          sudo: ALL=(ALL) NOPASSWD:ALL
          lock_passwd: true
          ssh_authorized_keys: ${jsonencode(compact([var.ssh_public_key]))}
      runcmd:
        - cat /etc/example/build-note > /dev/console
        - ${jsonencode(["sh", "-c", "printf '%s\\n' \"$1\" > /dev/console", "note", var.boot_note])}
      EOF
  }

  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "${var.output_directory}/SHA256SUMS"
  }

  post-processor "manifest" {
    output = "${var.output_directory}/manifest.json"
  }
}
