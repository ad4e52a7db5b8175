# A Debian AMI for Amazon EC2.
#
#   packer init example/clouds/amazon.pkr.hcl
#   packer build -var bucket=my-bucket example/clouds/amazon.pkr.hcl     (as root, on Linux)
#
# Credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE …). The
# account needs the role "vmimport", by which EC2 reads the bucket.

packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
    amazon = {
      version = ">= 1.8.0"
      source  = "github.com/hashicorp/amazon"
    }
  }
}

variable "bucket" {
  type        = string
  description = "S3 bucket that the image passes through."
}

variable "region" {
  type    = string
  default = "eu-central-1"
}

source "diskimage" "debian" {
  elements = ["debian-minimal", "vm", "block-device-efi", "cloud-init", "cloud-init-datasources", "openssh-server", "growroot"]
  environment = {
    DIB_RELEASE                = "bookworm"
    DIB_CLOUD_INIT_DATASOURCES = "Ec2"
  }
  packages = ["sudo"]

  output_directory = "output-amazon"
  image_name       = "debian"
  formats          = ["raw"] # the importer takes the first file with the ending of its format
}

build {
  sources = ["source.diskimage.debian"]

  post-processor "amazon-import" {
    format         = "raw"
    boot_mode      = "uefi"
    platform       = "linux"
    region         = var.region
    s3_bucket_name = var.bucket
    ami_name       = "debian-{{timestamp}}"

    # The default is to remove the image when the AMI is there.
    keep_input_artifact = true
  }
}
