# Made by "packer-plugin-diskimage convert" of calls of disk-image-create.

packer {
  required_plugins {
    diskimage = {
      source  = "github.com/seed-736dd801/diskimage"
      version = ">= 0.1.0"
    }
  }
}

# testdata/flow.sh:4: disk-image-create ironic-agent centos7 -o ironic-deploy
# note: DIB_DEV_USER_PASSWORD seems to be a secret and is written out; a variable with sensitive = true keeps it out of the template
source "diskimage" "ironic-deploy" {
  elements         = ["ironic-agent", "centos7"]
  output_directory = "."
  image_name       = "ironic-deploy"
  environment = {
    DIB_DEV_USER_PASSWORD     = "password"
    DIB_DEV_USER_PWDLESS_SUDO = "yes"
    DIB_DEV_USER_USERNAME     = "user"
  }
}

build {
  sources = ["source.diskimage.ironic-deploy"]
}

# testdata/flow.sh:5: disk-image-create centos7 baremetal dhcp-all-interfaces grub2 -o my-image
# note: DIB_DEV_USER_PASSWORD seems to be a secret and is written out; a variable with sensitive = true keeps it out of the template
source "diskimage" "my-image" {
  elements         = ["centos7", "baremetal", "dhcp-all-interfaces", "grub2"]
  output_directory = "."
  image_name       = "my-image"
  environment = {
    DIB_DEV_USER_PASSWORD     = "password"
    DIB_DEV_USER_PWDLESS_SUDO = "yes"
    DIB_DEV_USER_USERNAME     = "user"
  }
}

build {
  sources = ["source.diskimage.my-image"]
}
