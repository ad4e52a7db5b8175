  # SPDX-License-Identifier: MPL-2.0
  # What a test adds to the provisioners of example/ansible.pkr.hcl.

  # Files go by scp this time: its requests become the communicator's uploads and
  # downloads. OpenSSH 9 and later speaks that protocol only with -O.
  provisioner "ansible" {
    playbook_file    = "${path.root}/debian/playbook/site.yml"
    ansible_env_vars = ["ANSIBLE_REMOTE_TMP=/tmp/.ansible", "ANSIBLE_ASYNC_DIR=/tmp/.ansible_async"]
    extra_arguments  = ["--scp-extra-args", "'-O'", "--extra-vars", "fetched=${path.root}/fetched"]
  }

  provisioner "ansible" {
    playbook_file           = "${path.root}/debian/playbook/chroot.yml"
    inventory_file_template = "default ansible_connection=chroot ansible_host=${build.MountPath}\n"
    ansible_env_vars        = ["ANSIBLE_REMOTE_TMP=/tmp/.ansible"]
    extra_arguments         = ["--extra-vars", "fetched=${path.root}/fetched"]
  }

  provisioner "ansible-local" {
    command                 = "ANSIBLE_HOME=/tmp/.ansible ANSIBLE_REMOTE_TMP=/tmp/.ansible/tmp PYTHONUNBUFFERED=1 ansible-playbook"
    playbook_dir            = "${path.root}/debian/local"
    playbook_files          = ["${path.root}/debian/local/first.yml", "${path.root}/debian/local/second.yml"]
    inventory_groups        = ["web", "db"]
    extra_arguments         = ["--extra-vars", "'word=\"two words\"'"]
    clean_staging_directory = true
  }

  provisioner "puppet-masterless" {
    prevent_sudo    = true
    manifest_file   = "${path.root}/debian/puppet/manifests/site.pp"
    module_paths    = ["${path.root}/debian/puppet/modules"]
    facter          = { colour = "light blue" }
    extra_arguments = ["--verbose", "--color=false"]
  }

  provisioner "shell" {
    execute_command = "sudo -S env {{.Vars}} sh -eu {{.Path}}"
    inline          = ["id -u > /etc/by-sudo"]
  }
