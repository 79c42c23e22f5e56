#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a static x86-64 Linux program on an emulated processor with AVX-512, for machines without one: Bochs boots Debian's kernel with the
program alone, prints what it prints and ends with its exit status. Slow: a boot takes 4 s (Bochs 3.0 without its debugger) to 40 s (Debian 12's).

    tools/bochs.py [--features avx512vnni,avx512bf16] program [arguments]

Bochs 2.7 (Debian 12) has AVX-512 F, CD, BW, DQ and VL; VNNI and more want 3.0 (Debian 13), or ASHLAR_BOCHS=<another bochs>. Variables of the
environment that begin with ASHLAR_ are the program's, too. A program that was killed, or a machine that stopped, is status 1."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CACHE = pathlib.Path(__file__).resolve().parent.parent / "build" / "bochs"
ISOLINUX = ["/usr/lib/ISOLINUX/isolinux.bin", "/usr/lib/syslinux/modules/bios/ldlinux.c32"]
BEGIN, END = "== begins", "== ended "
# Without what Bochs describes in an order that Linux refuses: then it would not enable AVX. 321 and 323: XSAVEC, XSAVES; 515, 516: PKU.
KERNEL_OPTIONS = "console=ttyS0,115200 nokaslr mitigations=off tsc=reliable lpj=1000000 nosmp quiet lsm= clearcpuid=321,323,515,516"

INIT = f"""#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mkdir -p /tmp
exec >/dev/ttyS0 2>&1
/bin/busybox dmesg -n 1
echo {BEGIN}
$ENVIRONMENT /program $ARGUMENTS >/output 2>&1
status=$?
/bin/busybox cat /output
echo "{END}$status"
/bin/busybox sleep 1
/bin/busybox poweroff -f
"""

MACHINE = """cpu: model=corei7_skylake_x, count=1, ips=100000000, reset_on_triple_fault=0$FEATURES
memory: guest=1024, host=1024
romimage: file=$BIOS
vgaromimage: file=$VGA
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=image.iso, status=inserted
com1: enabled=1, mode=file, dev=serial
display_library: $DISPLAY
clock: sync=none
log: log
panic: action=fatal
"""


def run(command, **options):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def kernel():
    """Debian's kernel for virtual machines: downloaded once, unpacked, not installed."""
    found = sorted(CACHE.glob("boot/vmlinuz-*"))
    if not found:
        CACHE.mkdir(parents=True, exist_ok=True)
        depends = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"], capture_output=True, text=True, check=True).stdout
        run(["apt-get", "download", re.search(r"Depends: (linux-image\S+)", depends)[1]], cwd=CACHE)
        run(["dpkg-deb", "-x", str(next(CACHE.glob("linux-image*.deb"))), str(CACHE)])
        found = sorted(CACHE.glob("boot/vmlinuz-*"))
    return found[-1]


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def make_image(folder, program, arguments):
    root, disc = folder / "root", folder / "disc"
    (root / "bin").mkdir(parents=True)
    (disc / "isolinux").mkdir(parents=True)
    for name in ("proc", "dev"):
        (root / name).mkdir()
    shutil.copy(shutil.which("busybox"), root / "bin" / "busybox")
    shutil.copy(program, root / "program")
    environment = " ".join(f"{name}={quoted(value)}" for name, value in os.environ.items() if name.startswith("ASHLAR_"))
    init = INIT.replace("$ENVIRONMENT", environment).replace("$ARGUMENTS", " ".join(map(quoted, arguments)))
    (root / "init").write_text(init)
    (root / "init").chmod(0o755)
    run("find . | cpio -o -H newc > ../disc/initrd", cwd=root, shell=True)
    shutil.copy(kernel(), disc / "vmlinuz")
    for part in ISOLINUX:
        shutil.copy(part, disc / "isolinux")
    (disc / "isolinux" / "isolinux.cfg").write_text(
        f"default l\nprompt 0\nlabel l\n  kernel /vmlinuz\n  append initrd=/initrd {KERNEL_OPTIONS}\n")
    run(["xorriso", "-as", "mkisofs", "-o", "image.iso", "-b", "isolinux/isolinux.bin", "-no-emul-boot", "-boot-load-size", "4",
         "-boot-info-table", "disc"], cwd=folder)


def boot(folder, features):
    """Runs the machine until it powers off; its serial port is the file `serial`."""
    bochs = os.environ.get("ASHLAR_BOCHS") or shutil.which("bochs-bin") or "bochs"
    about = subprocess.run([bochs, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    about = about.stdout + about.stderr
    share = pathlib.Path("/usr/share/bochs")
    machine = MACHINE.replace("$BIOS", str(share / "BIOS-bochs-latest")).replace("$VGA", str(share / "VGABIOS-lgpl-latest"))
    machine = machine.replace("$FEATURES", f', add_features="{features}"' if features else "")
    machine = machine.replace("$DISPLAY", "nogui" if os.environ.get("ASHLAR_BOCHS") else 'rfb, options="timeout=0"')
    (folder / "machine").write_text(machine)
    (folder / "commands").write_text("continue\n")
    debugger = ["-rc", "commands"] if "-rc" in about else []
    subprocess.run([bochs, "-q", "-f", "machine", *debugger], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    return (folder / "serial").read_text(errors="replace").replace("\r", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", default="", help="that the processor has beside AVX-512 F, CD, BW, DQ, VL (Bochs 3.0 and later)")
    parser.add_argument("program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_image(pathlib.Path(folder), options.program, options.arguments)
        text = boot(pathlib.Path(folder), options.features)
        log = pathlib.Path(folder) / "log"
        _, begun, output = text.partition(BEGIN + "\n")
        output, ended, status = output.partition(END)
        if not begun or not ended:
            print(text[-2000:] + "\n" + (log.read_text(errors="replace")[-2000:] if log.exists() else ""), file=sys.stderr)
            print("bochs: the machine stopped before the program ended", file=sys.stderr)
            return 1
        print(output, end="")
        return min(int(re.match(r"\d+", status)[0]), 1)


if __name__ == "__main__":
    sys.exit(main())
