"""Tests of bench/report and bench/compare."""
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

HERE = os.path.dirname(os.path.abspath(__file__))


def entry(name, ms, **more):
    return {"name": name, "run_name": name, "run_type": "iteration", "real_time": ms * 1e3, "time_unit": "us", **more}


def document(entries):
    return {"context": {"date": "2026-01-02T03:04:05", "num_cpus": 2, "mhz_per_cpu": 2600, "host_name": "secret", "compiler": "GNU 12",
                        "flags": "-O3", "triad_bytes_per_second": "2e10", "multiply_add_flops_per_second": "1e11"}, "benchmarks": entries}


PTXAS = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_ZN9cinebokeh7kernels4blurILi8EEEvNS_4SizeEPf' for 'sm_90'
ptxas info    : Function properties for _ZN9cinebokeh7kernels4blurILi8EEEvNS_4SizeEPf
    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 8 bytes cumulative stack size, 4096 bytes smem
ptxas info    : Compiling entry function '_ZN9cinebokeh7kernels4copyEPf' for 'sm_90'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, used 0 barriers
"""


class Resources(unittest.TestCase):
    def test_what_ptxas_says_is_understood(self):
        path = os.path.join(HERE, "cuda_resources")
        resources = importlib.util.module_from_spec(
            importlib.util.spec_from_loader("cuda_resources", importlib.machinery.SourceFileLoader("cuda_resources", path)))
        resources.__loader__.exec_module(resources)
        found = list(resources.parse(PTXAS))
        self.assertEqual([k[1:] for k in found], [(40, 4096, 8, 16), (10, 0, 0, 0)])
        self.assertEqual(resources.demangle([k[0] for k in found]), ["blur<8>", "copy"])


class Scripts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, entries):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as file:
            json.dump(document(entries), file)
        return path

    def run_script(self, script, *arguments):
        return subprocess.run([sys.executable, os.path.join(HERE, script), *arguments], capture_output=True, text=True)

    def compare(self, before, after, *arguments):
        return self.run_script("compare", self.write("a.json", before), self.write("b.json", after), *arguments)

    def test_equal_times_are_fine(self):
        run = self.compare([entry("blur/width:320", 2)], [entry("blur/width:320", 2)])
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_slower_than_the_threshold_fails_and_is_named(self):
        before, after = [entry("a", 2), entry("b", 2)], [entry("a", 2), entry("b", 2.5)]
        run = self.compare(before, after)
        self.assertEqual(run.returncode, 1)
        self.assertIn("1.250  b  SLOWER", run.stdout)
        self.assertNotIn("a  SLOWER", run.stdout)
        self.assertEqual(self.compare(before, after, "--threshold", "1.3").returncode, 0)

    def test_the_median_counts_and_not_one_slow_repetition(self):
        run = self.compare([entry("a", t) for t in (2, 2, 2)], [entry("a", t) for t in (2, 9, 2)])
        self.assertEqual(run.returncode, 0, run.stdout)

    def test_nothing_in_common_is_an_error(self):
        self.assertEqual(self.compare([entry("a", 1)], [entry("b", 1)]).returncode, 2)

    def report(self):
        sizes = [(320, 240), (854, 480), (1920, 1080)]
        entries = [entry(f"blur/width:{w}/height:{h}/radius:{r}/real_time", w * h * r * 1e-6 * scale, bytes_per_second=4e9, FLOPS=2e10)
                   for w, h in sizes for r in (8, 20, 40) for scale in (1, 1.1, 0.9)]
        entries.append({**entry("blur/width:320/height:240/radius:8/real_time_median", 1), "run_type": "aggregate"})
        out = os.path.join(self.folder.name, "results", "machine")
        more = [entry("other/real_time", 3)] + [entry(f"of<cinebokeh::Cpu>/width:{w}/height:{h}/real_time", 3) for w, h in sizes]
        run = self.run_script("report", "--out", out, self.write("a.json", entries), self.write("c.json", more))
        self.assertEqual(run.returncode, 0, run.stderr)
        return out

    def test_the_table_has_medians_percentiles_rates_and_the_share_of_the_roof(self):
        with open(self.report() + ".md") as file:
            text = file.read()
        # 0.61 ms and 10 % more at the 4/5 of the way from the median to the largest; 2e10 of 1e11 FLOP/s and 4e9 of 2e10
        # bytes/s in the last repetition, of nine tenths of the median: 18 %.
        self.assertIn("| blur/width:320/height:240/radius:8 | 0.6144 | 0.6636 | 3.6 | 18 | 18 % |", text)
        self.assertIn("| other | 3 | 3 |  |  |  |", text)
        for fact in ("2026-01-02", "GNU 12", "`-O3`", "| repetitions | 3 |"):
            self.assertIn(fact, text)

    def test_memory_has_a_table_of_its_own(self):
        entries = [entry(f"memory/plan/width:{w}/height:{h}/iterations:1/real_time", 1, bytes_per_pixel=w / 32) for w, h in [(320, 240), (640, 480)]]
        out = os.path.join(self.folder.name, "memory")
        self.assertEqual(self.run_script("report", "--out", out, self.write("m.json", [*entries, entry("other/real_time", 3)])).returncode, 0)
        with open(out + ".md") as file:
            text = file.read()
        self.assertIn("| plan | 10 | 20 |", text)
        self.assertNotIn("| memory/plan", text)

    def test_the_plots_are_svg_with_a_panel_for_every_argument(self):
        out = self.report()
        growth = xml.dom.minidom.parse(out + "-growth.svg").toxml()
        for title in ("Time against pixels", "Time against radius", "of&lt;cinebokeh::Cpu&gt;"):
            self.assertIn(title, growth)
        self.assertEqual(len(xml.dom.minidom.parse(out + "-roofline.svg").getElementsByTagName("circle")), 9)

    def test_the_merged_file_can_be_compared_and_names_no_computer(self):
        out = self.report()
        with open(out + ".json") as file:
            self.assertNotIn("secret", file.read())
        run = self.run_script("compare", out + ".json", out + ".json")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("13 compared", run.stdout)


if __name__ == "__main__":
    unittest.main()
