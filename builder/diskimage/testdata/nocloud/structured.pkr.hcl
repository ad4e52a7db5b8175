  # What the raw seed's machine has too, and what keeps cloud-init from being started;
  # and an archive of one package, since the guest has no network.
  provisioner "shell" {
    inline = [
      "set -eu",
      "mkdir -p /etc/systemd/system.conf.d",
      "printf '[Manager]\\nDefaultDeviceTimeoutSec=20min\\nDefaultTimeoutStartSec=20min\\n' > /etc/systemd/system.conf.d/slow.conf",
      "echo 'datasource_list: [ Ec2 ]' > /etc/cloud/cloud.cfg.d/99-installer.cfg",
      "touch /etc/cloud/cloud-init.disabled",
      "systemctl disable cloud-config.service",
      "systemctl mask cloud-final.service",
      "mkdir -p /opt/archive /tmp/greeting/DEBIAN /tmp/greeting/usr/share/greeting && cd /tmp/greeting",
      "printf 'Package: greeting\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: Test <test@example.org>\\nDescription: Greeting\\n' > DEBIAN/control",
      "echo hello > usr/share/greeting/text",
      "dpkg-deb --build . /opt/archive/greeting.deb && cd /opt/archive",
      "{ dpkg-deb -f greeting.deb; echo Filename: ./greeting.deb; echo Size: $(stat -c %s greeting.deb); echo SHA256: $(sha256sum greeting.deb | cut -d' ' -f1); } > Packages",
    ]
  }

  provisioner "diskimage-nocloud" {
    instance_id       = "INSTANCE_ID"
    ignore_cidata     = true
    enable_cloud_init = true
    hostname          = "HOSTNAME"
    fqdn              = "HOSTNAME.lan.test"
    manage_etc_hosts  = true
    timezone          = "TIMEZONE"
    locale            = "C.UTF-8"
    ssh_pwauth        = true
    compress          = true
    meta              = { third = "three" }

    group { name = "deploy" }
    user {
      name                = "admin"
      groups              = ["deploy"]
      sudo                = "ALL=(ALL) NOPASSWD:ALL"
      shell               = "/bin/bash"
      ssh_authorized_keys = ["PUBLIC_KEY"]
    }
    user {
      name  = "guest"
      gecos = "A guest"
    }
    user {
      name            = "worker"
      hashed_password = "PASSWORD_HASH"
    }
    user {
      name     = "typist"
      uid      = 1700
      homedir  = "/srv/typist"
      password = "PLAIN_PASSWORD"
    }
    user {
      name            = "locked"
      hashed_password = "PASSWORD_HASH"
      lock_passwd     = true
    }

    growpart { devices = ["/"] }
    mounts   = [["tmpfs", "/srv/scratch", "tmpfs", "size=1M,mode=0700", "0", "0"]]
    bootcmd  = ["echo bootcmd >> /var/tmp/bootcmd"]
    packages = ["greeting"]
    runcmd   = ["echo one >> /var/tmp/runcmd", "echo \"two words\" >> /var/tmp/runcmd"]
    cloud_config = yamlencode({
      apt = {
        preserve_sources_list = true
        conf                  = "Acquire::Retries \"0\";\nAcquire::http::Proxy \"http://127.0.0.1:9\";\n"
        sources               = { archive = { source = "deb [trusted=yes] file:/opt/archive ./" } }
      }
    })

    write_file {
      path        = "/etc/app.conf"
      owner       = "root:deploy"
      permissions = "0640"
      content     = "a = 1\nb = \"tab:\tend\"\n"
      defer       = true
    }
    write_file {
      path    = "/srv/typist/notes"
      owner   = "typist:typist"
      content = "{{ braces }} stay"
    }
    write_file {
      path        = "/etc/binary"
      permissions = "0400"
      source      = "BINARY_FILE"
    }
    part {
      content = <<-EOF
        ## template: jinja
        #cloud-config
        runcmd:
          - echo {{ ds.meta_data.third }} >> /var/tmp/runcmd
        EOF
    }
    script {
      per     = "boot"
      content = "#!/bin/sh\necho per-boot >> /var/tmp/per-boot\n"
    }
    script {
      per     = "instance"
      content = "#!/bin/sh\necho instance >> /var/tmp/scripts\n"
    }
    script {
      per     = "once"
      content = "#!/bin/sh\necho once >> /var/tmp/scripts\n"
    }
    vendor_data = "#!/bin/sh\necho vendor >> /var/tmp/vendor\n"

    network {
      ethernet {
        name        = "lan"
        set_name    = "lan0"
        addresses   = ["10.0.2.15/24", "192.0.2.10/24"]
        gateway4    = "10.0.2.2"
        nameservers = ["10.0.2.3"]
        search      = ["lan.test"]
        match { macaddress = "52:54:00:12:34:56" }
      }
    }
  }
