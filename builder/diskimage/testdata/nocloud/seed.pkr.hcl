  # On a busy host an emulated machine needs more than the 90 seconds that systemd gives a device.
  provisioner "shell" {
    inline = [
      "mkdir -p /etc/systemd/system.conf.d",
      "printf '[Manager]\\nDefaultDeviceTimeoutSec=20min\\nDefaultTimeoutStartSec=20min\\n' > /etc/systemd/system.conf.d/slow.conf",
      # What an installer of Ubuntu leaves, and what other datasources would be.
      "echo 'datasource_list: [ Ec2 ]' > /etc/cloud/cloud.cfg.d/99-installer.cfg",
    ]
  }

  provisioner "diskimage-nocloud" {
    instance_id   = "INSTANCE_ID"
    ignore_cidata = true
    user_data     = <<-EOF
      #cloud-config
      hostname: HOSTNAME
      fqdn: HOSTNAME.lan.test
      manage_etc_hosts: true
      timezone: TIMEZONE
      groups: [deploy]
      users:
        - name: admin
          groups: [deploy]
          sudo: ALL=(ALL) NOPASSWD:ALL
          shell: /bin/bash
          ssh_authorized_keys: ["PUBLIC_KEY"]
        - name: guest
          gecos: A guest
          lock_passwd: true
        - name: worker
          lock_passwd: false
          passwd: PASSWORD_HASH
      write_files:
        - path: /etc/app.conf
          owner: root:deploy
          permissions: '0640'
          content: |
            a = 1
            b = "tab:	end"
          defer: true
        - path: /etc/binary
          encoding: b64
          content: AAEC/w==
          permissions: '0400'
        - path: /var/lib/cloud/scripts/per-boot/10-count
          permissions: '0755'
          content: |
            #!/bin/sh
            echo per-boot >> /var/tmp/per-boot
      bootcmd:
        - echo bootcmd >> /var/tmp/bootcmd
      runcmd:
        - echo one >> /var/tmp/runcmd
        - [sh, -c, 'echo "two words" >> /var/tmp/runcmd']
        - echo three >> /var/tmp/runcmd
      mounts:
        - [tmpfs, /srv/scratch, tmpfs, "size=1M,mode=0700", "0", "0"]
      EOF
    network_config = yamlencode({
      version = 2
      ethernets = {
        lan = {
          match       = { macaddress = "52:54:00:12:34:56" }
          set-name    = "lan0"
          addresses   = ["10.0.2.15/24", "192.0.2.10/24"]
          routes      = [{ to = "0.0.0.0/0", via = "10.0.2.2" }]
          nameservers = { addresses = ["10.0.2.3"], search = ["lan.test"] }
        }
      }
    })
  }
