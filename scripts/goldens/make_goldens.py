#!/usr/bin/env python3
"""Renders every chat template of llama.cpp with Jinja2, set as transformers sets it, and writes what came out as goldens.

  python3 scripts/goldens/make_goldens.py            (needs jinja2 3.1, git, and node_modules)

The templates are read from the source bundle that node-llama-cpp ships. Only hashes are stored (sha256 of the UTF-8 prompt, 16 hex
digits, and its length in code points), keyed by the template's sha256, so that a changed template is a missing golden, never a wrong one.
"""
import datetime, hashlib, json, pathlib, subprocess, tempfile
import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUNDLE = ROOT / 'node_modules/node-llama-cpp/llama/gitRelease.bundle'
OUT = ROOT / 'src/engine/goldens/templates.json'
NOW = datetime.datetime(2026, 3, 5, 9, 7, 0)
BOS, EOS = '<s>', '</s>'
# transformers' own way to continue a message: a tag after the last text; if the template trimmed the space, the cut is trimmed too
TAG = 'CONTINUE_FINAL_MESSAGE_TAG '


class GenerationTag(Extension):
    """{% generation %} … {% endgeneration %} marks what an assistant wrote; it renders as its body."""
    tags = {'generation'}

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(['name:endgeneration'], drop_needle=True)
        return jinja2.nodes.Scope(body).set_lineno(lineno)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols])
env.filters['tojson'] = tojson
env.globals['raise_exception'] = raise_exception
env.globals['strftime_now'] = lambda form: NOW.strftime(form)

U, A, S = 'user', 'assistant', 'system'


def chat(*turns):
    return [dict(role=role, content=content, **(extra[0] if extra else {})) for role, content, *extra in turns]


CODE = "Why does {{ name }} fail?\n```jinja\n{% for x in y %}{{ x }}{% endfor %}{# note #}\n```\nAnd f'{a}' or ${b} or %s, \\n, \"q\"?"
SETS = {
    'plain': chat((U, 'Who are you?')),
    'system': chat((S, 'Answer in one word.'), (U, 'What is the capital of France?')),
    'turns': chat((S, 'Be brief.'), (U, 'Hi'), (A, 'Hello! How can I help?'), (U, 'Name a river.'), (A, 'The Seine.'), (U, 'Another')),
    'turns-bare': chat((U, 'Hi'), (A, 'Hello!'), (U, 'And now?')),
    'chinese': chat((S, '你是一位诗人。'), (U, '写一首关于月亮的诗，好吗？🌙'), (A, '床前明月光，\n疑是地上霜。'), (U, '再来一首 👩‍👩‍👧 é')),
    'braces': chat((U, CODE), (A, 'Because {{ name }} is undefined; write {%- raw -%}.'), (U, '{{ messages }} {% raise %}')),
    'spaces': chat((S, '  indented system \n'), (U, '  two before, two after  \n\n'), (A, '\n answer with spaces  \n'), (U, '\ttab \n')),
    'wide-spaces': chat((S, '\u3000系统\u3000'), (U, '\u3000全角空格\u3000'), (A, '\u3000回答\u3000'), (U, '再问\u3000')),
    'thoughts': chat((U, 'How much is 2+2?'), (A, '4', dict(thought='Two and two\nare four.')), (U, 'And 3+3?'), (A, '6', dict(thought='Six.')), (U, 'Why?')),
    'inline-thoughts': chat((U, 'How much is 2+2?'), (A, '<think>\nTwo and two.\n</think>\n\n4'), (U, 'And 3+3?'), (A, '<think>\nSix.\n</think>\n\n6'), (U, 'Why?')),
    'two-systems': chat((S, 'Be kind.'), (U, 'Hi'), (A, 'Hello!'), (S, 'Now be terse.'), (U, 'Bye')),
    'empty-system': chat((S, ''), (U, 'Hi')),
    'continued-thought': chat((U, 'How much is 2+2?'), (A, '4', dict(thought='Two and two.')), (U, 'And 3+3?'), (A, 'It is', dict(thought='Three and three.'))),
    'borders': chat((S, '\ufeffsystem\u0085'), (U, '\ufeff\u00a0both\u2003\x1f'), (A, '    indented\n', dict(thought='  a\n    b\n')), (U, 'x\u2028')),
    'continued-code': chat((U, 'Go on.'), (A, '    def f():\n        return')),
    'continued': chat((U, 'Tell a story.'), (A, 'Once upon a time, ')),
    'continued-turns': chat((S, 'Be brief.'), (U, 'Hi'), (A, 'Hello!'), (U, 'Tell a story.'), (A, 'Once')),
}
SWITCHED = ['plain', 'system', 'turns', 'chinese', 'thoughts', 'continued']


def soft(text):
    """A switch in the text: written at the end of the last user message."""
    def change(messages):
        messages = [dict(m) for m in messages]
        last = max(i for i, m in enumerate(messages) if m['role'] == U)
        messages[last]['content'] += ' ' + text
        return messages
    return change


def toggle(name, on=True, off=False):
    return {'on': {name: on}, 'off': {name: off}}


# What thinking on, off and each level mean to a template, written down by reading it: the judge of our own detection.
SWITCHES = {
    **dict.fromkeys(['Apertus-8B-Instruct', 'Bielik-11B-v3.0-Instruct', 'CohereForAI-c4ai-command-r7b-12-2024-tool_use', 'GLM-4.6',
                     'GLM-4.7-Flash', 'HuggingFaceTB-SmolLM3-3B', 'NVIDIA-Nemotron-3-Nano-30B-A3B-BF16', 'Qwen-QwQ-32B', 'Qwen-Qwen3-0.6B',
                     'Qwen3.5-4B', 'Reka-Edge', 'deepseek-ai-DeepSeek-R1-Distill-Qwen-32B', 'google-gemma-4-31B-it',
                     'google-gemma-4-31B-it-interleaved', 'llama-cpp-rwkv-world', 'openbmb-MiniCPM5-1B', 'poolside-Laguna-S-2.1',
                     'poolside-Laguna-XS-2.1', 'poolside-Laguna-XS.2'], toggle('enable_thinking')),
    **dict.fromkeys(['deepseek-ai-DeepSeek-V3.1', 'deepseek-ai-DeepSeek-V3.2', 'ibm-granite-granite-3.3-2B-Instruct'], toggle('thinking')),
    'deepseek-ai-DeepSeek-V4': {**toggle('thinking'), 'max': {'thinking': True, 'reasoning_effort': 'max'}},
    'deepseek-ai-DeepSeek-V4-Flash-0731': {**toggle('thinking'), 'high': {'thinking': True, 'reasoning_effort': 'high'},
                                           'max': {'thinking': True, 'reasoning_effort': 'max'}},
    'Kimi-K3': {**toggle('thinking'), **{level: {'thinking_effort': level} for level in ('low', 'high', 'max', 'medium')}},
    'Cohere2MoE': toggle('reasoning'),
    'MiniMax-M3': toggle('thinking_mode', 'enabled', 'disabled'),
    'ByteDance-Seed-OSS': toggle('thinking_budget', -1, 0),
    'openai-gpt-oss-120b': {level: {'reasoning_effort': level} for level in ('low', 'medium', 'high')},
    'upstage-Solar-Open-100B': {'off': {'reasoning_effort': 'low'}, 'low': {'reasoning_effort': 'low'}, 'high': {'reasoning_effort': 'high'}},
    'tencent-Hy3': {'off': {'reasoning_effort': 'no_think'}, **{level: {'reasoning_effort': level} for level in ('no_think', 'low', 'high')}},
    'muse-glimmer': {level: {'reasoning_strength': level} for level in ('low', 'medium', 'high', 'xhigh')},
    'NVIDIA-Nemotron-Nano-v2': {'on': soft('/think'), 'off': soft('/no_think')},
}


def render_once(template, messages, variables, generate):
    context = dict(messages=messages, tools=None, documents=None, add_generation_prompt=generate, bos_token=BOS, eos_token=EOS, **variables)
    try:
        return template.render(**context)
    except Exception:
        # transformers passes null; some templates loop over tools and want none at all
        del context['tools']
        return template.render(**context)


def with_thoughts(messages, fields):
    result = []
    for message in messages:
        message = dict(message)
        thought = message.pop('thought', None)
        if thought is not None:
            message.update({field: thought for field in fields})
        result.append(message)
    return result


# Templates that read no field, but want a thought inside the content: written down by reading them. All answers of a chat take the form.
FORMS = {
    'mistralai-Ministral-3-14B-Reasoning-2512':
        lambda thought, text: [{'type': 'thinking', 'thinking': thought}] * bool(thought) + [{'type': 'text', 'text': text}],
    'Apertus-8B-Instruct':
        lambda thought, text: {'blocks': [{'type': 'thoughts', 'text': thought}] * bool(thought) + [{'type': 'response', 'text': text}]},
}


def in_form(messages, form):
    if not any('thought' in m for m in messages):
        return messages
    return [{'role': A, 'content': form(m.get('thought', ''), m['content'])} if m['role'] == A else m for m in messages]


def render_all(template, messages, variables, generate, form):
    if form:
        return render_once(template, in_form(messages, form), variables, generate)
    text = render_once(template, with_thoughts(messages, ['reasoning_content', 'thinking']), variables, generate)
    if any('thought' in m for m in messages) and text == render_once(template, with_thoughts(messages, []), variables, generate):
        text = render_once(template, with_thoughts(messages, ['reasoning_content', 'thinking', 'reasoning']), variables, generate)
    return text


def render(template, messages, variables, form):
    if messages[-1]['role'] != A:
        return render_all(template, messages, variables, True, form)
    tagged = messages[:-1] + [{**messages[-1], 'content': messages[-1]['content'] + TAG}]
    text = render_all(template, tagged, variables, False, form)
    cut = text.rfind(TAG.strip())
    if cut < 0:
        raise ValueError('the last message is not in the prompt')
    return text[:cut] if text[cut:cut + len(TAG)] == TAG else text[:cut].rstrip()


def result_of(source, messages, switch, form):
    try:
        template = env.from_string(source)
        if callable(switch):
            messages, switch = switch(messages), {}
        text = render(template, messages, switch, form)
    except Exception as error:
        return {'error': f'{type(error).__name__}: {error}'[:100]}
    return f'{hashlib.sha256(text.encode()).hexdigest()[:16]}:{len(text)}'


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(['git', 'clone', '-q', '-c', 'advice.detachedHead=false', str(BUNDLE), folder], check=True)
        templates = {}
        for path in sorted(pathlib.Path(folder, 'models/templates').glob('*.jinja')):
            source = path.read_bytes().decode()
            form = FORMS.get(path.stem)
            cases = {}
            for name, messages in SETS.items():
                cases[f'{name}/default'] = result_of(source, messages, {}, form)
                for choice, switch in SWITCHES.get(path.stem, {}).items():
                    if name in SWITCHED:
                        cases[f'{name}/{choice}'] = result_of(source, messages, switch, form)
            key = hashlib.sha256(path.read_bytes()).hexdigest()
            templates.setdefault(key, {'names': [], 'cases': cases})['names'].append(path.stem)
    total = sum(len(t['cases']) for t in templates.values())
    thrown = sum(isinstance(c, dict) for t in templates.values() for c in t['cases'].values())
    document = {'jinja2': jinja2.__version__, 'now': NOW.isoformat(), 'bos': BOS, 'eos': EOS, 'sets': SETS, 'templates': templates}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(document, ensure_ascii=False, indent=1) + '\n', encoding='utf-8')
    print(f'{len(templates)} different templates, {total} renderings, of which {thrown} throw; {OUT.stat().st_size} bytes')


if __name__ == '__main__':
    main()
