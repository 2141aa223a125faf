#!/bin/sh
# Gathers in $1 the files that a service needs of the system: node, the libraries it and the native packages load, the
# certificate authorities, names of users. The package each library comes from is noted, so that scanners find it.
set -eu
root=$1

mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs" "$root/var/lib/dpkg/status.d"
cp "$(command -v node)" "$root/usr/local/bin/node"

libraries=$(ldd "$root/usr/local/bin/node" | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i }')
# Loaded by name at run time: names of hosts, and what onnxruntime and DuckDB link.
folder=$(dirname "$(printf '%s\n' "$libraries" | grep '/libc\.so')")
for name in libnss_dns.so.2 libnss_files.so.2 libresolv.so.2 librt.so.1 libpthread.so.0 libdl.so.2 libm.so.6 libstdc++.so.6 libgcc_s.so.1; do
  if [ -e "$folder/$name" ]; then libraries="$libraries
$folder/$name"; elif [ -e "/usr$folder/$name" ]; then libraries="$libraries
/usr$folder/$name"; fi
done
for library in $(printf '%s\n' "$libraries" | sort -u); do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
  for path in "$library" "$(readlink -f "$library")"; do
    package=$(dpkg -S "$path" 2>/dev/null | sed -n '1s/:.*//p')
    [ -z "$package" ] || dpkg -s "$package" >"$root/var/lib/dpkg/status.d/$package"
  done
done

# A service trusts what the base image trusts.
for file in /etc/ssl/certs/ca-certificates.crt "${NODE_EXTRA_CA_CERTS:-}"; do
  if [ -f "$file" ]; then cat "$file" >>"$root/etc/ssl/certs/ca-certificates.crt"; fi
done
cp -L /etc/os-release "$root/etc/os-release"
printf 'root:x:0:0::/:/sbin/nologin\nmeshwork:x:1000:1000::/app:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nmeshwork:x:1000:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

install -d -m 1777 "$root/tmp"
for name in store state secrets s3 objects cache; do install -d -o 1000 -g 1000 "$root/var/lib/meshwork/$name"; done
