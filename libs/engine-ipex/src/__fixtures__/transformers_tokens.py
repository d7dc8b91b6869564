"""`python transformers_tokens.py FOLDER COUNT < prompts.json`: the greedy continuations of prompts by `generate` of
Transformers, one call for each prompt: a list of lists of tokens.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM

folder, count = sys.argv[1:]
torch.set_num_threads(1)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
found = []
for prompt in json.load(sys.stdin):
    ids = torch.tensor([prompt])
    mask = torch.ones_like(ids)
    output = model.generate(ids, attention_mask=mask, max_new_tokens=int(count), do_sample=False, eos_token_id=None)
    found.append(output[0, len(prompt) :].tolist())
print(json.dumps(found))
