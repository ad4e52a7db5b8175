# A Debian template for UpCloud.
#
#   packer init example/clouds/upcloud.pkr.hcl
#   packer build example/clouds/upcloud.pkr.hcl     (as root, on Linux)
#
# Credentials come from the environment (UPCLOUD_USERNAME, UPCLOUD_PASSWORD).

packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
    upcloud = {
      version = ">= 1.6.0"
      source  = "github.com/UpCloudLtd/upcloud"
    }
  }
}

variable "zone" {
  type    = string
  default = "fi-hel1"
}

source "diskimage" "debian" {
  elements = ["debian-minimal", "vm", "block-device-efi", "cloud-init", "cloud-init-datasources", "openssh-server", "growroot"]
  environment = {
    DIB_RELEASE                = "bookworm"
    DIB_CLOUD_INIT_DATASOURCES = "UpCloud"
  }
  packages = ["sudo"]

  output_directory = "output-upcloud"
  image_name       = "debian"
  formats          = ["raw"]
}

build {
  sources = ["source.diskimage.debian"]

  post-processors {
    # The importer takes images of the builders that it knows and of artifice,
    # and compressed ones, which are less to upload.
    post-processor "compress" {
      output = "${build.OutputDirectory}/debian.raw.gz"
    }

    post-processor "upcloud-import" {
      zones         = [var.zone]
      template_name = "debian-{{timestamp}}"

      # The default is to remove the file when it is imported.
      keep_input_artifact = true
    }
  }
}
