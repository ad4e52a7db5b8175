# A Debian image that Ansible sets up, in the two ways there are.
#
#   packer build example/ansible.pkr.hcl        (as root, on Linux)
#
# Both run ansible-playbook on this host. The first way works with ansible-core;
# the second needs the collection community.general too, which Debian's package
# "ansible" has.

packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
    ansible = {
      version = ">= 1.0.3"
      source  = "github.com/hashicorp/ansible"
    }
  }
}

variable "output_directory" {
  type    = string
  default = "output-ansible"
}

variable "packages" {
  type        = list(string)
  default     = ["python3", "python3-apt"]
  description = "Ansible needs Python in the image, and python3-apt for its module apt."
}

source "diskimage" "debian" {
  elements         = ["debian-minimal", "vm", "block-device-efi"]
  environment      = { DIB_RELEASE = "bookworm" }
  packages         = var.packages
  output_directory = var.output_directory
  image_name       = "ansible"
  formats          = ["raw"]
}

build {
  sources = ["source.diskimage.debian"]

  # The first way: through the provisioner's proxy, like every other builder.
  provisioner "ansible" {
    playbook_file = "${path.root}/ansible/site.yml"
    groups        = ["web"]
    ansible_env_vars = [
      # Files go through commands: neither sftp nor scp is needed.
      "ANSIBLE_SSH_TRANSFER_METHOD=piped",
      "ANSIBLE_PIPELINING=True",
      # /tmp is emptied before the image is written.
      "ANSIBLE_REMOTE_TMP=/tmp/.ansible",
    ]
  }

  # The second way: Ansible enters the root file system itself. It is faster.
  provisioner "ansible" {
    playbook_file           = "${path.root}/ansible/harden.yml"
    inventory_file_template = "default ansible_connection=chroot ansible_host=${build.MountPath}\n"
    ansible_env_vars        = ["ANSIBLE_REMOTE_TMP=/tmp/.ansible"]
  }
}
